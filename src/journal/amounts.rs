//! Tokens, bytes and money as distinct types, so that they can't be added to one another.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of tokens, as the provider counts them or as kcode estimates them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Tokens(pub u64);

impl Tokens {
    /// Estimates the tokens of a text: one for four ASCII bytes, one for every other character (as the official client
    /// does).
    #[must_use]
    pub fn estimate(text: &str) -> Self {
        let ascii = text.bytes().filter(u8::is_ascii).count();
        let other = text.chars().filter(|c| !c.is_ascii()).count();
        Self((ascii.div_ceil(4) + other) as u64)
    }
}

impl Add for Tokens {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Tokens {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Tokens {
    /// `312`, `9.1k`, `1.2M`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n < 1_000 => write!(f, "{n}"),
            n if n < 1_000_000 => write!(f, "{:.1}k", n as f64 / 1e3),
            n => write!(f, "{:.1}M", n as f64 / 1e6),
        }
    }
}

/// Size on disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Add for Bytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Bytes {
    /// Prints `312 B`, `9.1 kB`, `1.2 GB` (decimal units).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        let (amount, unit) = match self.0 {
            n if n < 1_000 => (bytes, "B"),
            n if n < 1_000_000 => (bytes / 1e3, "kB"),
            n if n < 1_000_000_000 => (bytes / 1e6, "MB"),
            _ => (bytes / 1e9, "GB"),
        };
        write!(f, "{} {unit}", format!("{amount:.1}").trim_end_matches(".0"))
    }
}

/// US dollars, stored as whole billionths so that sums are exact: one token at 0.19 USD per million costs 190 of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
pub struct Usd(u64);

impl Usd {
    /// Converts from billionths of a dollar.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Converts from dollars; `None` if the amount is negative, not finite or too large.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let nanos = dollars * 1e9;
        (dollars.is_finite() && (0.0..1.8e19).contains(&nanos)).then(|| Self(nanos.round() as u64))
    }

    /// Converts to dollars.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Price per token times tokens.
impl Mul<Tokens> for Usd {
    type Output = Self;
    fn mul(self, tokens: Tokens) -> Self {
        Self(self.0.saturating_mul(tokens.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Usd {
    /// Prints `$0.0041` below a dollar, `$1.00` above.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.dollars();
        if dollars > 0.0 && dollars < 1.0 { write!(f, "${dollars:.4}") } else { write!(f, "${dollars:.2}") }
    }
}

impl From<Usd> for f64 {
    fn from(amount: Usd) -> Self {
        amount.dollars()
    }
}

impl TryFrom<f64> for Usd {
    type Error = &'static str;
    fn try_from(dollars: f64) -> Result<Self, Self::Error> {
        Self::from_dollars(dollars).ok_or("not an amount of dollars")
    }
}

/// Tokens of one request, as the provider reports them, or estimated if it reports none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Input tokens, cached ones included.
    pub prompt_tokens: Tokens,
    /// The part of the input that the provider's prefix cache served.
    pub cached_tokens: Tokens,
    /// Output tokens, reasoning included.
    pub completion_tokens: Tokens,
}

impl Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            cached_tokens: self.cached_tokens + other.cached_tokens,
            completion_tokens: self.completion_tokens + other.completion_tokens,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_and_prints_short() {
        let token = Usd::from_nanos(190);
        let sum: Usd = std::iter::repeat_n(token, 1_000_000).sum();
        assert_eq!(sum, Usd::from_dollars(0.19).unwrap_or_default());
        assert_eq!(sum.to_string(), "$0.1900");
        assert_eq!(Usd::default().to_string(), "$0.00");
        assert_eq!(Usd::from_dollars(-1.0), None);
    }

    #[test]
    fn tokens_are_estimated_by_bytes_and_characters() {
        assert_eq!(Tokens::estimate("abcdefgh"), Tokens(2));
        assert_eq!(Tokens::estimate("äö"), Tokens(2));
        assert_eq!(Tokens(9_123).to_string(), "9.1k");
    }
}
