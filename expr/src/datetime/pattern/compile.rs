//! Pattern letters to items.

use rsql_common::{Error, Result};

use super::{Field, Item, Number, OffsetStyle};

/// Why a pattern is refused.
enum Refused {
    WeekBased(char),
    Illegal(char),
    Length,
    Malformed,
}

pub(super) fn compile(pattern: &str, parsing: bool) -> Result<Vec<Item>> {
    let refused = match check_letters(pattern, parsing).and_then(|()| Compiler::run(pattern, parsing)) {
        Ok(items) => return Ok(items),
        Err(refused) => refused,
    };
    // What Java's older SimpleDateFormat took is told apart: the pattern once worked.
    if legacy_takes(pattern) {
        return Err(
            Error::user("INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION")
                .param("pattern", quoted(pattern))
                .param("config", "\"spark.sql.legacy.timeParserPolicy\"")
                .param("docroot", "https://spark.apache.org/docs/latest"),
        );
    }
    Err(match refused {
        Refused::WeekBased(c) => {
            Error::user("INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN").param("c", c.to_string())
        }
        Refused::Illegal(c) => Error::user("INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER")
            .param("c", c.to_string())
            .param("pattern", pattern),
        Refused::Length => Error::user("INVALID_DATETIME_PATTERN.LENGTH").param("pattern", pattern),
        Refused::Malformed => Error::user("INVALID_DATETIME_PATTERN.WITH_SUGGESTION")
            .param("pattern", quoted(pattern))
            .param("docroot", "https://spark.apache.org/docs/latest"),
    })
}

fn quoted(pattern: &str) -> String {
    format!("'{}'", pattern.replace('\'', "\\'"))
}

/// Parts outside single quotes.
fn unquoted(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('\'').step_by(2)
}

fn check_letters(pattern: &str, parsing: bool) -> Result<(), Refused> {
    for part in unquoted(pattern) {
        if let Some(c) = part.chars().find(|c| "YWwuec".contains(*c)) {
            return Err(Refused::WeekBased(c));
        }
        if let Some(c) = part
            .chars()
            .find(|c| "ABnNp".contains(*c) || parsing && "EFqQ".contains(*c))
        {
            return Err(Refused::Illegal(c));
        }
        let long = ["GGGGG", "MMMMM", "LLLLL", "EEEEE", "QQQQQ", "qqqqq", "yyyyyyy"];
        if long.iter().any(|l| part.contains(l)) {
            return Err(Refused::Length);
        }
    }
    Ok(())
}

fn legacy_takes(pattern: &str) -> bool {
    if pattern.matches('\'').count() % 2 == 1 {
        return false;
    }
    unquoted(pattern).all(|part| {
        !part.contains("XXXX")
            && part
                .chars()
                .all(|c| !c.is_ascii_alphabetic() || "GyYMLwWDdFEuaHkKhmsSzZX".contains(c))
    })
}

struct Compiler {
    parsing: bool,
    /// Years are counted within eras, since the pattern names one.
    era: bool,
    items: Vec<Item>,
    /// The number that gives digits up to directly following ones.
    active: Option<usize>,
}

impl Compiler {
    fn run(pattern: &str, parsing: bool) -> Result<Vec<Item>, Refused> {
        let mut compiler = Compiler {
            parsing,
            era: unquoted(pattern).any(|p| p.contains('G')),
            items: Vec::new(),
            active: None,
        };
        let chars: Vec<char> = pattern.chars().collect();
        let mut outer: Vec<Vec<Item>> = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let c = chars[at];
            let run = chars[at..].iter().take_while(|x| **x == c).count();
            match c {
                'a'..='z' | 'A'..='Z' => {
                    compiler.letters(c, run)?;
                    at += run;
                    continue;
                }
                '\'' => {
                    at = compiler.quoted(&chars, at)?;
                    continue;
                }
                '[' => {
                    compiler.active = None;
                    outer.push(std::mem::take(&mut compiler.items));
                }
                ']' => {
                    compiler.active = None;
                    compiler.close(outer.pop().ok_or(Refused::Malformed)?);
                }
                '{' | '}' | '#' => return Err(Refused::Malformed),
                c => compiler.literal(&c.to_string()),
            }
            at += 1;
        }
        // Java closes what is left open.
        while let Some(items) = outer.pop() {
            compiler.close(items);
        }
        Ok(compiler.items)
    }

    fn close(&mut self, outer: Vec<Item>) {
        let inner = std::mem::replace(&mut self.items, outer);
        if !inner.is_empty() {
            self.items.push(Item::Optional(inner));
        }
    }

    fn literal(&mut self, text: &str) {
        self.active = None;
        match self.items.last_mut() {
            Some(Item::Literal(l)) => l.push_str(text),
            _ => self.items.push(Item::Literal(text.to_string())),
        }
    }

    /// Quoted text from `at`; two quotes are one. Gives the place behind it.
    fn quoted(&mut self, chars: &[char], at: usize) -> Result<usize, Refused> {
        let mut text = String::new();
        let mut i = at + 1;
        loop {
            match (chars.get(i), chars.get(i + 1)) {
                (Some('\''), Some('\'')) => {
                    text.push('\'');
                    i += 2;
                }
                (Some('\''), _) => break,
                (Some(c), _) => {
                    text.push(*c);
                    i += 1;
                }
                (None, _) => return Err(Refused::Malformed),
            }
        }
        self.literal(if text.is_empty() { "'" } else { &text });
        Ok(i + 1)
    }

    fn item(&mut self, item: Item) {
        self.active = None;
        self.items.push(item);
    }

    /// A number; one that directly follows another takes its digits from that one's end.
    fn number(&mut self, field: Field, least: usize, most: usize, exceeds_pad: bool) {
        let fixed_width = least == most;
        let mut number = Number {
            field,
            least,
            most,
            exceeds_pad,
            fixed: fixed_width,
            reserved: 0,
        };
        match self.active {
            Some(active) if fixed_width => {
                self.reserve(active, most);
                number.fixed = true;
                self.items.push(Item::Number(number));
            }
            _ => {
                self.items.push(Item::Number(number));
                self.active = Some(self.items.len() - 1);
            }
        }
    }

    fn reserve(&mut self, active: usize, digits: usize) {
        if let Some(Item::Number(n)) = self.items.get_mut(active) {
            n.reserved += digits;
        }
    }

    fn letters(&mut self, c: char, n: usize) -> Result<(), Refused> {
        use Field::*;
        let pair = |field| match n {
            1 => Ok((field, 1, 19)),
            2 => Ok((field, 2, 2)),
            _ => Err(Refused::Malformed),
        };
        let full = match n {
            1..=3 => Ok(false),
            4 => Ok(true),
            _ => Err(Refused::Malformed),
        };
        let one = |ok: bool| if ok { Ok(()) } else { Err(Refused::Malformed) };
        match c {
            'G' => self.item(Item::Text(Era, full?)),
            'y' => {
                let field = if self.era { YearOfEra } else { Year };
                match n {
                    2 => {
                        if let Some(active) = self.active {
                            self.reserve(active, 2);
                        }
                        self.items.push(Item::ShortYear);
                        self.active = self.active.or(Some(self.items.len() - 1));
                    }
                    1 | 3 => self.number(field, n, 19, false),
                    _ => self.number(field, n, 19, true),
                }
            }
            'Q' | 'q' => self.number_or_text(Quarter, n)?,
            'M' | 'L' => self.number_or_text(Month, n)?,
            'd' => self.pair(pair(Day)?),
            'D' => match n {
                1 => self.number(DayOfYear, 1, 19, false),
                2 => self.number(DayOfYear, 2, 3, false),
                3 => self.number(DayOfYear, 3, 3, false),
                _ => return Err(Refused::Malformed),
            },
            'E' => self.item(Item::Text(Weekday, full?)),
            'F' => {
                one(n == 1)?;
                self.number(AlignedDay, 1, 19, false);
            }
            'a' => {
                one(n == 1)?;
                self.item(Item::Text(HalfDay, false));
            }
            'h' => self.pair(pair(ClockHourOfHalf)?),
            'H' => self.pair(pair(Hour)?),
            'k' => self.pair(pair(ClockHour)?),
            'K' => self.pair(pair(HourOfHalf)?),
            'm' => self.pair(pair(Minute)?),
            's' => self.pair(pair(Second)?),
            'S' => {
                one(n <= 9)?;
                if let Some(active) = self.active {
                    self.reserve(active, if self.parsing { 0 } else { n });
                }
                self.item(Item::Fraction(if self.parsing { 1 } else { n }, n));
            }
            'V' => {
                one(n == 2)?;
                self.item(Item::ZoneId);
            }
            'v' => self.item(Item::ZoneName(full?)),
            'z' => self.item(Item::ZoneName(full?)),
            'O' => {
                one(n == 1 || n == 4)?;
                self.item(Item::LocalizedOffset(n == 4));
            }
            'X' | 'x' | 'Z' => self.offset(c, n)?,
            _ => return Err(Refused::Malformed),
        }
        Ok(())
    }

    fn pair(&mut self, (field, least, most): (Field, usize, usize)) {
        self.number(field, least, most, false);
    }

    fn number_or_text(&mut self, field: Field, n: usize) -> Result<(), Refused> {
        match n {
            1 => self.number(field, 1, 19, false),
            2 => self.number(field, 2, 2, false),
            3 | 4 => self.item(Item::Text(field, n == 4)),
            _ => return Err(Refused::Malformed),
        }
        Ok(())
    }

    fn offset(&mut self, c: char, n: usize) -> Result<(), Refused> {
        let style = |minutes, seconds, colon, zero| OffsetStyle {
            minutes,
            seconds,
            colon,
            zero,
        };
        let item = match (c, n) {
            ('Z', 1..=3) => Item::Offset(style(true, false, false, "+0000")),
            ('Z', 4) => Item::LocalizedOffset(true),
            ('Z', 5) => Item::Offset(style(true, true, true, "Z")),
            ('X' | 'x', 1..=5) => {
                let zero = match (c, n) {
                    ('X', _) => "Z",
                    (_, 1) => "+00",
                    (_, 2 | 4) => "+0000",
                    _ => "+00:00",
                };
                Item::Offset(style(n > 1, n > 3, n == 3 || n == 5, zero))
            }
            _ => return Err(Refused::Malformed),
        };
        self.item(item);
        Ok(())
    }
}
