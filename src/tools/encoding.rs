//! Text in encodings other than UTF-8, accepted only if every byte survives being decoded and encoded again.
//!
//! The encoding is guessed with `chardetng` (Firefox's detector) and checked against the bytes. The first guess for a
//! file is kept as long as the file fits it.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding as Charset;

use super::text::{NotText, decode};

/// The encoding of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, like most files.
    Utf8,
    /// UTF-16 with a byte order mark.
    Utf16 {
        /// Whether it is big-endian.
        big: bool,
    },
    /// An older encoding, such as Shift_JIS or windows-1252.
    Legacy(&'static Charset),
}

/// A file as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    /// The text, byte order mark included.
    pub text: Cow<'a, str>,
    /// The encoding that reproduces the bytes.
    pub encoding: Encoding,
}

impl Encoding {
    /// Its usual name; `None` for UTF-8.
    #[must_use]
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Utf8 => None,
            Self::Utf16 { big: true } => Some("UTF-16BE"),
            Self::Utf16 { big: false } => Some("UTF-16LE"),
            Self::Legacy(charset) => Some(charset.name()),
        }
    }

    /// Encodes `text`.
    ///
    /// # Errors
    /// The first character that the encoding lacks.
    pub(super) fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, char> {
        match self {
            Self::Utf8 => Ok(Cow::Borrowed(text.as_bytes())),
            Self::Utf16 { big } => {
                let bytes =
                    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                Ok(Cow::Owned(bytes.collect()))
            }
            Self::Legacy(charset) => {
                let (bytes, _, lossy) = charset.encode(text);
                let fits = |char: &char| !charset.encode(char.encode_utf8(&mut [0; 4])).2;
                match text.chars().find(|char| lossy && !fits(char)) {
                    Some(char) => Err(char),
                    None => Ok(bytes),
                }
            }
        }
    }

    fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Utf16 { big } => {
                let (pairs, rest) = bytes.as_chunks::<2>();
                let unit = |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
                let text: Result<String, _> = char::decode_utf16(pairs.iter().map(unit)).collect();
                text.ok().filter(|_| rest.is_empty()).map(Cow::Owned)
            }
            Self::Legacy(charset) => charset.decode_without_bom_handling_and_without_replacement(bytes),
        }
    }

    /// The decoded bytes, if encoding them again gives the same bytes.
    fn fits(self, bytes: &[u8]) -> Option<Decoded<'_>> {
        let text = self.decode(bytes).filter(|text| self == Self::Utf8 || text.chars().all(is_texts))?;
        let same = self.encode(&text).is_ok_and(|again| *again == *bytes);
        same.then_some(Decoded { text, encoding: self })
    }
}

/// Decodes bytes; `known` is the file's earlier encoding, which is tried first.
///
/// # Errors
/// What the bytes are instead of text.
pub(super) fn read(bytes: &[u8], known: Option<Encoding>) -> Result<Decoded<'_>, NotText> {
    let refused = match decode(bytes) {
        Ok(text) => return Ok(Decoded { text: Cow::Borrowed(text), encoding: Encoding::Utf8 }),
        Err(refused) => refused,
    };
    if matches!(refused, NotText::Encoding { .. }) && is_damaged_utf8(bytes) {
        return Err(refused);
    }
    let guess = match refused {
        NotText::Wide("UTF-16") => Encoding::Utf16 { big: bytes.starts_with(&[0xFE, 0xFF]) },
        NotText::Encoding { .. } => guess(bytes),
        _ => return Err(refused),
    };
    let decoded = known.into_iter().chain([guess]).find_map(|encoding| encoding.fits(bytes));
    decoded.ok_or_else(|| match (refused, guess.name()) {
        (NotText::Encoding { at, line, byte, .. }, Some(likely)) => NotText::Encoding { at, line, byte, likely },
        (refused, _) => refused,
    })
}

/// Whether it is UTF-8 with a few damaged bytes: more multi-byte characters are well-formed than not, which doesn't
/// happen in other encodings.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|char| !char.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong
}

fn guess(bytes: &[u8]) -> Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    Encoding::Legacy(detector.guess(None, Utf8Detection::Deny))
}

/// Other control characters indicate binary data.
fn is_texts(char: char) -> bool {
    !char.is_control() || matches!(char, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1a}' | '\u{1b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart_and_come_back_byte_for_byte() {
        let cases: [(&str, &str); 6] = [
            ("Shift_JIS", "これは日本語の文章です。ファイルを読みます。\n"),
            ("EUC-KR", "한국어로 쓴 문장입니다. 파일을 읽습니다.\n"),
            ("GBK", "这是一个中文的句子。我们读取文件。\n"),
            ("windows-1252", "Der Käse ist schön, naïve café.\n"),
            ("EUC-JP", "これは日本語の文章です。ファイルを読みます。\n"),
            ("windows-1251", "Это предложение на русском языке.\n"),
        ];
        for (name, text) in cases {
            let charset = Charset::for_label(name.as_bytes()).unwrap_or(encoding_rs::UTF_8);
            let (bytes, ..) = charset.encode(text);
            let decoded = read(&bytes, None).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((decoded.encoding.name(), &*decoded.text), (Some(name), text));
            assert_eq!(decoded.encoding.encode(text).as_deref(), Ok(&*bytes));
        }
        for big in [true, false] {
            let bytes = Encoding::Utf16 { big }.encode("\u{feff}a\n😀\n").unwrap_or_default().into_owned();
            assert_eq!(read(&bytes, None).map(|decoded| decoded.text.into_owned()), Ok("\u{feff}a\n😀\n".to_owned()));
            assert!(read(&bytes[..bytes.len() - 1], None).is_err(), "half a character");
        }
    }

    #[test]
    fn utf8_with_a_stray_byte_is_no_other_encoding() {
        let text = "café — naïve, größer\n".as_bytes();
        for stray in [&b"\xe9"[..], b"\xff", b"\xc3"] {
            let damaged = [text, stray, b" end\n"].concat();
            let refused = read(&damaged, Some(Encoding::Legacy(encoding_rs::WINDOWS_1252))).unwrap_err();
            assert!(matches!(refused, NotText::Encoding { likely: "UTF-8", line: 2, .. }), "{refused}");
        }
    }

    #[test]
    fn what_is_no_text_stays_refused() {
        assert!(read(b"\x89PNG\r\n\x1a\n\x01\x02\x03\xff", None).is_err());
        assert!(matches!(read(b"a\0", None), Err(NotText::Binary { .. })));
        assert!(matches!(read(b"\xff\xfe\0\0a\0\0\0", None), Err(NotText::Wide("UTF-32"))));
    }

    #[test]
    fn a_character_without_bytes_is_named() {
        let latin = Encoding::Legacy(encoding_rs::WINDOWS_1252);
        assert_eq!(latin.encode("grün 日本"), Err('日'));
        assert!(latin.encode("größer").is_ok());
    }
}
