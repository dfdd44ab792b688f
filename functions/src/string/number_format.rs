//! Number formats of `to_number` and `to_char`: `S999G999D99`, `$99.99`, `99PR`.

use rsql_common::Error;

/// A part of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// A digit before or after the point; true for `0`.
    Digit(bool),
    /// `,` or `G`
    Separator,
    /// `.` or `D`
    Point,
    /// `$`
    Dollar,
    /// `S`
    Sign,
    /// `MI`
    Minus,
    /// `PR`
    Brackets,
}

/// A checked format.
#[derive(Debug, Clone)]
pub(super) struct NumberFormat {
    tokens: Vec<Token>,
    /// Digits before the point.
    whole: usize,
    /// Digits after it.
    fraction: usize,
}

impl NumberFormat {
    /// Reads a format (in any case); the error is Spark's.
    pub(super) fn read(format: &str) -> Result<Self, Error> {
        let upper = format.to_uppercase();
        let error = |sub: &str| Error::user(format!("INVALID_FORMAT.{sub}")).param("format", format!("'{upper}'"));
        if upper.is_empty() {
            return Err(error("EMPTY"));
        }
        let mut tokens = Vec::new();
        let mut chars = upper.chars().peekable();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '0' => Token::Digit(true),
                '9' => Token::Digit(false),
                ',' | 'G' => Token::Separator,
                '.' | 'D' => Token::Point,
                '$' => Token::Dollar,
                'S' => Token::Sign,
                'M' if chars.next_if_eq(&'I').is_some() => Token::Minus,
                'P' if chars.next_if_eq(&'R').is_some() => Token::Brackets,
                other if upper.contains(['0', '9']) => {
                    return Err(error("UNEXPECTED_TOKEN").param("token", format!("character '{other}'")));
                }
                _ => return Err(error("WRONG_NUM_DIGIT")),
            });
        }
        let digits = |t: &Token| matches!(t, Token::Digit(_));
        if !tokens.iter().any(digits) {
            return Err(error("WRONG_NUM_DIGIT"));
        }
        for (token, name) in [
            (Token::Point, ". or D"),
            (Token::Dollar, "$"),
            (Token::Sign, "S"),
            (Token::Minus, "MI"),
            (Token::Brackets, "PR"),
        ] {
            if tokens.iter().filter(|t| **t == token).count() > 1 {
                return Err(error("WRONG_NUM_TOKEN").param("token", name));
            }
        }
        check_order(&tokens).map_err(|token| error("UNEXPECTED_TOKEN").param("token", token))?;
        let point = tokens.iter().position(|t| *t == Token::Point);
        let before = &tokens[..point.unwrap_or(tokens.len())];
        // A separator stands between digits.
        for (i, t) in before.iter().enumerate() {
            let around = |j: Option<usize>| j.and_then(|j| before.get(j)).is_some_and(digits);
            if *t == Token::Separator && !(around(i.checked_sub(1)) && around(Some(i + 1))) {
                return Err(error("CONT_THOUSANDS_SEPS"));
            }
        }
        if point.is_some_and(|p| tokens[p..].contains(&Token::Separator)) {
            return Err(error("THOUSANDS_SEPS_MUST_BEFORE_DEC"));
        }
        let whole = before.iter().filter(|t| digits(t)).count();
        let fraction = tokens.iter().filter(|t| digits(t)).count() - whole;
        Ok(Self {
            tokens,
            whole,
            fraction,
        })
    }

    /// Precision and scale of the numbers the format reads.
    pub(super) fn decimal(&self) -> (u8, i8) {
        ((self.whole + self.fraction).min(38) as u8, self.fraction.min(38) as i8)
    }

    /// The unscaled number that a text in this format stands for.
    pub(super) fn parse(&self, text: &str) -> Option<i128> {
        let mut input = text.chars().filter(|c| !c.is_whitespace()).peekable();
        let (mut negative, mut bracket) = (false, false);
        let (mut digits, mut fraction) = (String::new(), String::new());
        let mut after_point = false;
        if self.tokens.contains(&Token::Brackets) && input.next_if_eq(&'<').is_some() {
            (negative, bracket) = (true, true);
        }
        // A text may have fewer digits than the format: whole ones are missing at the left, fractions at the right.
        let rest: String = input.clone().collect();
        let body = rest.split('.').next().unwrap_or("");
        let mut missing = self
            .whole
            .checked_sub(body.chars().filter(char::is_ascii_digit).count())?;
        for token in &self.tokens {
            match token {
                Token::Digit(_) if after_point => fraction.extend(input.next_if(char::is_ascii_digit)),
                Token::Digit(_) if missing > 0 => missing -= 1,
                Token::Digit(_) => digits.push(input.next_if(char::is_ascii_digit)?),
                Token::Separator => {
                    if !digits.is_empty() || input.peek() == Some(&',') {
                        input.next_if_eq(&',')?;
                    }
                }
                Token::Point => {
                    input.next_if_eq(&'.');
                    after_point = true;
                }
                Token::Dollar => {
                    input.next_if_eq(&'$')?;
                }
                Token::Sign | Token::Minus => {
                    if input.next_if_eq(&'-').is_some() {
                        negative = true;
                    } else {
                        input.next_if_eq(&'+');
                    }
                }
                Token::Brackets => {
                    if bracket {
                        input.next_if_eq(&'>')?;
                    }
                }
            }
        }
        if input.next().is_some() || digits.len() + fraction.len() == 0 {
            return None;
        }
        let value: i128 = format!("{digits}{fraction:0<width$}", width = self.fraction)
            .parse()
            .ok()?;
        Some(if negative { -value } else { value })
    }

    /// Appends a number of `scale` laid out by the format; hashes where it does not fit.
    pub(super) fn push(&self, out: &mut String, unscaled: i128, scale: usize) {
        let number = super::format_number::point(unscaled.abs(), scale);
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() > self.whole || fraction.len() > self.fraction {
            return out.extend(self.tokens.iter().map(Token::hash));
        }
        let negative = unscaled < 0;
        let has_point = self.tokens.contains(&Token::Point);
        let start = out.len();
        let mut missing = self.whole - whole.len();
        let mut left = self.whole;
        let (mut whole_digits, mut fraction_digits) = (whole.chars(), fraction.chars());
        let mut after_point = false;
        // A run of digits that starts with 0 is filled with zeros.
        let mut fills = None;
        if negative && self.tokens.contains(&Token::Brackets) {
            out.push('<');
        }
        for token in &self.tokens {
            if !matches!(token, Token::Digit(_)) {
                fills = None;
            }
            match token {
                Token::Digit(_) if after_point => out.push(fraction_digits.next().unwrap_or('0')),
                Token::Digit(zero) => {
                    left -= 1;
                    let fills = *fills.get_or_insert(*zero);
                    if missing == 0 {
                        out.extend(whole_digits.next());
                    } else {
                        missing -= 1;
                        // Before a point stands at least one digit.
                        if fills || (left == 0 && has_point) {
                            out.push('0')
                        } else {
                            push_space(out, start)
                        }
                    }
                }
                Token::Separator => {
                    if out.ends_with(|c: char| c.is_ascii_digit()) {
                        out.push(',')
                    } else {
                        push_space(out, start)
                    }
                }
                Token::Point => {
                    out.push('.');
                    after_point = true;
                }
                Token::Dollar => out.push('$'),
                Token::Sign => out.push(if negative { '-' } else { '+' }),
                Token::Minus => out.push(if negative { '-' } else { ' ' }),
                Token::Brackets => out.push_str(if negative { ">" } else { "  " }),
            }
        }
    }
}

/// A space for an absent digit; a sign already there moves to the right of it.
fn push_space(out: &mut String, start: usize) {
    if out.len() > start && out.ends_with(['-', '+', '<']) {
        out.insert(out.len() - 1, ' ');
    } else {
        out.push(' ');
    }
}

impl Token {
    /// The token in an overflowing number.
    fn hash(&self) -> char {
        match self {
            Token::Digit(_) => '#',
            Token::Separator => ',',
            Token::Point => '.',
            Token::Dollar => '$',
            Token::Sign | Token::Minus | Token::Brackets => ' ',
        }
    }
}

/// `[MI|S] [$] [0|9|G|,]* [.|D] [0|9]* [$] [PR|MI|S]`; the error names the token out of place.
fn check_order(tokens: &[Token]) -> Result<(), String> {
    let mut at = 0;
    let mut take = |allowed: fn(&Token) -> bool, many: bool| {
        while tokens.get(at).is_some_and(allowed) {
            at += 1;
            if !many {
                break;
            }
        }
    };
    take(|t| matches!(t, Token::Sign | Token::Minus), false);
    take(|t| matches!(t, Token::Dollar), false);
    take(|t| matches!(t, Token::Digit(_) | Token::Separator), true);
    take(|t| matches!(t, Token::Point), false);
    take(|t| matches!(t, Token::Digit(_) | Token::Separator), true);
    take(|t| matches!(t, Token::Dollar), false);
    take(|t| matches!(t, Token::Sign | Token::Minus | Token::Brackets), false);
    match tokens.get(at) {
        None => Ok(()),
        Some(Token::Digit(_) | Token::Separator) => Err("digit sequence".into()),
        Some(Token::Point) => Err(".".into()),
        Some(Token::Dollar) => Err("$".into()),
        Some(Token::Sign) => Err("S".into()),
        Some(Token::Minus) => Err("MI".into()),
        Some(Token::Brackets) => Err("PR".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        for (format, unscaled, scale, expected) in [
            ("9999", 4, 0, "   4"),
            ("$9999", 4, 0, "$   4"),
            ("S9999", -4, 0, "   -4"),
            ("9999S", -4, 0, "   4-"),
            ("MI9999", 4, 0, "    4"),
            ("9999PR", -4, 0, "   <4>"),
            ("9999PR", 4, 0, "   4  "),
            ("9,999.99", 400, 2, "    4.00"),
            ("9,999.99", 12345, 1, "1,234.50"),
            ("999", 12345, 0, "###"),
            ("999.9", 5, 1, "  0.5"),
            ("999.9", 55, 2, "###.#"),
            ("0,999", 4, 0, "0,  4"),
            ("S$9999", -4, 0, "-$   4"),
            ("$9999MI", -12, 0, "$  12-"),
            ("9,999PR", -12, 0, "   <12>"),
            ("999", 0, 0, "   "),
            ("9.9", 0, 0, "0.0"),
            (".9", 1, 1, ".1"),
            ("99G999D9S", -124548, 1, "12,454.8-"),
        ] {
            let mut out = String::new();
            NumberFormat::read(format).unwrap().push(&mut out, unscaled, scale);
            assert_eq!(out, expected, "{format} {unscaled}");
        }
        for (format, text, expected) in [
            ("S99", "-12", Some(-12)),
            ("99S", "12-", Some(-12)),
            ("99PR", "<12>", Some(-12)),
            ("9G999", "1,234", Some(1234)),
            ("999", "  12", Some(12)),
            ("9999", "12", Some(12)),
            ("999", "12345", None),
            ("999", "abc", None),
            ("$99.99", "$78.12", Some(7812)),
            ("99.99", "1.5", Some(150)),
            ("99,999", "12,454", Some(12454)),
        ] {
            assert_eq!(
                NumberFormat::read(format).unwrap().parse(text),
                expected,
                "{format} {text}"
            );
        }
        for (format, condition) in [
            ("", "INVALID_FORMAT.EMPTY"),
            ("xyz", "INVALID_FORMAT.WRONG_NUM_DIGIT"),
            ("9,", "INVALID_FORMAT.CONT_THOUSANDS_SEPS"),
            ("9S9", "INVALID_FORMAT.UNEXPECTED_TOKEN"),
            ("9.9.9", "INVALID_FORMAT.WRONG_NUM_TOKEN"),
        ] {
            assert_eq!(
                NumberFormat::read(format).unwrap_err().condition(),
                condition,
                "{format}"
            );
        }
    }
}
