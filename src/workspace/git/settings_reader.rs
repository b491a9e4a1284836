//! Reads git's format of settings files, as git reads it.

/// A section's name in lower case, and its subsection as written.
pub(super) struct Section {
    pub name: String,
    pub subsection: Option<String>,
}

/// Converts CRLF to LF.
pub(super) fn without_returns(text: &[u8]) -> Vec<u8> {
    let is_return = |at: usize| text[at] == b'\r' && text.get(at + 1) == Some(&b'\n');
    (0..text.len()).filter(|at| !is_return(*at)).map(|at| text[at]).collect()
}

pub(super) struct SettingsReader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> SettingsReader<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { rest: text, line: 1 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line += usize::from(*first == b'\n');
        Some(*first)
    }

    pub(super) fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    pub(super) fn wrong(&self) -> String {
        format!("line {} of its settings can't be read", self.line)
    }

    /// Parses `[name]`, `[name.subsection]` or `[name "subsection"]`.
    pub(super) fn section(&mut self) -> Result<Section, String> {
        self.next();
        let mut name = String::new();
        loop {
            match self.next() {
                Some(b']') => {
                    return Ok(match name.split_once('.') {
                        Some((name, rest)) => Section { name: name.to_owned(), subsection: Some(rest.to_owned()) },
                        None => Section { name, subsection: None },
                    });
                }
                Some(b' ' | b'\t') => return Ok(Section { name, subsection: Some(self.subsection()?) }),
                Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' => {
                    name.push(char::from(byte.to_ascii_lowercase()));
                }
                _ => return Err(self.wrong()),
            }
        }
    }

    /// Parses the rest of `[name "subsection"]`.
    fn subsection(&mut self) -> Result<String, String> {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.next();
        }
        if self.next() != Some(b'"') {
            return Err(self.wrong());
        }
        let mut name = Vec::new();
        loop {
            match self.next() {
                Some(b'\\') => name.extend(self.next()),
                Some(b'"') => break,
                None | Some(b'\n') => return Err(self.wrong()),
                Some(byte) => name.push(byte),
            }
        }
        if self.next() == Some(b']') { Ok(String::from_utf8_lossy(&name).into_owned()) } else { Err(self.wrong()) }
    }

    /// Parses `name` or `name = value`.
    pub(super) fn setting(&mut self) -> Result<(String, String), String> {
        let mut name = String::new();
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            name.push(char::from(byte.to_ascii_lowercase()));
            self.next();
        }
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.next();
        }
        match self.next() {
            None | Some(b'\n') => Ok((name, String::new())),
            Some(b'=') => Ok((name, self.value()?)),
            Some(b'#' | b';') => {
                self.skip_line();
                Ok((name, String::new()))
            }
            Some(_) => Err(self.wrong()),
        }
    }

    fn value(&mut self) -> Result<String, String> {
        let (mut value, mut is_quoted, mut end) = (Vec::new(), false, 0);
        loop {
            match self.next() {
                None | Some(b'\n') if is_quoted => return Err(self.wrong()),
                None | Some(b'\n') => break,
                Some(b'"') => is_quoted = !is_quoted,
                Some(b'#' | b';') if !is_quoted => {
                    self.skip_line();
                    break;
                }
                Some(b' ' | b'\t' | b'\r') if !is_quoted => {
                    // Blanks inside the value count, those around it don't.
                    if !value.is_empty() {
                        value.push(b' ');
                    }
                    continue;
                }
                Some(b'\\') => match self.next() {
                    Some(b'\n') => continue,
                    Some(b'n') => value.push(b'\n'),
                    Some(b't') => value.push(b'\t'),
                    Some(b'b') => value.push(8),
                    Some(byte @ (b'\\' | b'"')) => value.push(byte),
                    _ => return Err(self.wrong()),
                },
                Some(byte) => value.push(byte),
            }
            end = value.len();
        }
        value.truncate(end);
        Ok(String::from_utf8_lossy(&value).into_owned())
    }
}
