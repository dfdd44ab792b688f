//! What a tuple sketch keeps beside each key: a number and how numbers are combined.

use rsql_common::{Error, Result, quoted_name};

/// How the numbers of one key become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sketch) enum Mode {
    Sum,
    Min,
    Max,
    AlwaysOne,
}

impl Mode {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Sum, "sum"),
        (Self::Min, "min"),
        (Self::Max, "max"),
        (Self::AlwaysOne, "alwaysone"),
    ];

    /// The mode a user names.
    pub(in crate::sketch) fn parse(function: &str, name: &str) -> Result<Self> {
        Self::ALL
            .iter()
            .find(|(_, n)| n.eq_ignore_ascii_case(name))
            .map(|(mode, _)| *mode)
            .ok_or_else(|| {
                Error::user("TUPLE_INVALID_SKETCH_MODE")
                    .param("function", quoted_name([function]))
                    .param("mode", name)
                    .param("validModes", Self::ALL.map(|(_, n)| n).join(", "))
            })
    }

    fn to_byte(self) -> u8 {
        self as u8
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).map(|(mode, _)| *mode)
    }
}

/// A number that summaries hold.
pub(in crate::sketch) trait Number: Copy + PartialOrd + Send + std::fmt::Debug + 'static {
    /// Bytes it is stored in.
    const WIDTH: usize;
    const ZERO: Self;
    const ONE: Self;
    /// Above and below all others.
    const BOUNDS: (Self, Self);

    /// The sum, wrapping if it must.
    fn plus(self, other: Self) -> Self;
    fn write(self, out: &mut Vec<u8>);
    /// From [`Self::WIDTH`] bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Number for f64 {
    const WIDTH: usize = 8;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const BOUNDS: (Self, Self) = (f64::INFINITY, f64::NEG_INFINITY);

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn write(self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(f64::from_le_bytes)
    }
}

impl Number for i32 {
    const WIDTH: usize = 4;
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const BOUNDS: (Self, Self) = (i32::MAX, i32::MIN);

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn write(self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(i32::from_le_bytes)
    }
}

/// No number: what theta sketches keep beside a key.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(in crate::sketch) struct KeyOnly;

impl Number for KeyOnly {
    const WIDTH: usize = 0;
    const ZERO: Self = Self;
    const ONE: Self = Self;
    const BOUNDS: (Self, Self) = (Self, Self);

    fn plus(self, _: Self) -> Self {
        Self
    }

    fn write(self, _: &mut Vec<u8>) {}

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(Self)
    }
}

/// A number and its mode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::sketch) struct Summary<N> {
    pub(in crate::sketch) value: N,
    pub(in crate::sketch) mode: Mode,
}

impl<N: Number> Summary<N> {
    /// Bytes it is stored in.
    pub(in crate::sketch) const WIDTH: usize = N::WIDTH + 1;

    /// The summary of nothing.
    pub(in crate::sketch) fn new(mode: Mode) -> Self {
        let value = match mode {
            Mode::Sum => N::ZERO,
            Mode::Min => N::BOUNDS.0,
            Mode::Max => N::BOUNDS.1,
            Mode::AlwaysOne => N::ONE,
        };
        Self { value, mode }
    }

    /// Takes a number in.
    pub(in crate::sketch) fn update(&mut self, value: N) {
        match self.mode {
            Mode::Sum => self.value = self.value.plus(value),
            Mode::Min if value < self.value => self.value = value,
            Mode::Max if value > self.value => self.value = value,
            Mode::Min | Mode::Max => {}
            Mode::AlwaysOne => self.value = N::ONE,
        }
    }

    /// Two summaries of one key as one of mode `mode`.
    pub(in crate::sketch) fn combined(mode: Mode, a: &Self, b: &Self) -> Self {
        let mut both = Self::new(mode);
        both.update(a.value);
        both.update(b.value);
        both
    }

    pub(in crate::sketch) fn write(&self, out: &mut Vec<u8>) {
        self.value.write(out);
        out.push(self.mode.to_byte());
    }

    /// From [`Self::WIDTH`] bytes.
    pub(in crate::sketch) fn read(bytes: &[u8]) -> Option<Self> {
        let (mode, value) = bytes.split_last()?;
        Some(Self {
            value: N::read(value)?,
            mode: Mode::from_byte(*mode)?,
        })
    }
}
