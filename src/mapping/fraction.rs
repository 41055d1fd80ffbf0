//! Exact fractions of whole numbers: what a unit is of another. It refuses to round, and says when a number grows too
//! large instead of wrapping.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The most digits after the point that a decimal holds.
pub const DIGITS_MAX: u32 = 28;

/// An exact fraction in its lowest terms; the denominator is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    /// One.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// A fraction in its lowest terms; nothing when the denominator is zero or a number is too large.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        let (numerator, denominator) = if denominator < 0 {
            (numerator.checked_neg()?, denominator.checked_neg()?)
        } else {
            (numerator, denominator)
        };
        if denominator == 0 {
            return None;
        }
        let common = i128::try_from(common(numerator.unsigned_abs(), denominator.unsigned_abs())).ok()?;
        Some(Self { numerator: numerator / common, denominator: denominator / common })
    }

    /// A decimal as the fraction that it is.
    #[must_use]
    pub fn of(decimal: Decimal) -> Self {
        let decimal = decimal.normalize();
        // A decimal has at most 96 bits and 28 digits after the point: both numbers fit.
        Self::new(decimal.mantissa(), 10_i128.pow(decimal.scale())).unwrap_or(Self::ONE)
    }

    /// The product; nothing when it is too large.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        // Reduced crosswise first, so that only what is really too large overflows.
        let one = Self::new(self.numerator, other.denominator)?;
        let two = Self::new(other.numerator, self.denominator)?;
        Self::new(one.numerator.checked_mul(two.numerator)?, one.denominator.checked_mul(two.denominator)?)
    }

    /// The quotient; nothing when it is too large, or `other` is zero.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        self.times(Self::new(other.denominator, other.numerator)?)
    }

    /// The whole number below it, and what is left.
    #[must_use]
    pub fn split(self) -> (i128, Self) {
        let whole = self.numerator.div_euclid(self.denominator);
        let rest = self.numerator.rem_euclid(self.denominator);
        (whole, Self { numerator: rest, denominator: self.denominator }.reduced())
    }

    /// The decimal that it is exactly, with at most so many digits after the point; nothing when there is none.
    #[must_use]
    pub fn decimal(self, digits_max: u32) -> Option<Decimal> {
        let (scale, power) = (0..=digits_max.min(DIGITS_MAX))
            .map(|scale| (scale, 10_i128.pow(scale)))
            .find(|(_, power)| power % self.denominator == 0)?;
        let mantissa = self.numerator.checked_mul(power / self.denominator)?;
        Decimal::try_from_i128_with_scale(mantissa, scale).ok()
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.numerator > 0
    }

    fn reduced(self) -> Self {
        Self::new(self.numerator, self.denominator).unwrap_or(self)
    }
}

/// The greatest common divisor; 1 of zero and zero.
fn common(mut one: u128, mut two: u128) -> u128 {
    while two != 0 {
        (one, two) = (two, one % two);
    }
    one.max(1)
}

impl FromStr for Fraction {
    type Err = String;

    /// Reads `12`, `0.5` or `1/12`: more than zero.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a number like 12, 0.5 or 1/12, more than zero");
        let number =
            |text: &str| text.trim().parse::<Decimal>().ok().map(Self::of).filter(|number| number.is_positive());
        let read = match text.split_once('/') {
            None => number(text),
            Some((above, below)) => number(above).zip(number(below)).and_then(|(above, below)| above.over(below)),
        };
        read.ok_or_else(wrong)
    }
}

impl TryFrom<String> for Fraction {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Fraction> for String {
    fn from(fraction: Fraction) -> Self {
        fraction.to_string()
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(formatter, "{}", self.numerator),
            _ => write!(formatter, "{}/{}", self.numerator, self.denominator),
        }
    }
}
