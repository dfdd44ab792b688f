//! What the lexer makes and the parser reads.

use rsql_common::Span;

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub start: u32,
    pub end: u32,
}

/// Kinds of token; the text is read from the statement by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Keyword or unquoted identifier.
    Word,
    /// `` `…` ``, or `"…"` where that is an identifier.
    Quoted,
    /// `'…'`, `"…"`, `r'…'`.
    String,
    /// A number with its suffix, without sign.
    Number,
    /// Operator or punctuation.
    Symbol(Symbol),
    /// `/*+`
    HintStart,
    /// `*/` that ends a hint.
    HintEnd,
    /// Something no rule knows; the rest of the text when a quote is open.
    Unknown,
    /// End of the text.
    End,
}

/// Operators and punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Comma,
    Semicolon,
    Period,
    Colon,
    DoubleColon,
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    NullSafeEq,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Concat,
    Pipe,
    Ampersand,
    Caret,
    Tilde,
    Bang,
    Arrow,
    FatArrow,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    PipeTo,
    Question,
}

impl Token {
    pub(crate) fn span(self) -> Span {
        Span {
            start: self.start,
            end: self.end,
        }
    }
}

impl Symbol {
    /// The symbol a single character makes.
    pub(crate) fn of_char(c: char) -> Option<Self> {
        Some(match c {
            '(' => Self::LeftParen,
            ')' => Self::RightParen,
            '[' => Self::LeftBracket,
            ']' => Self::RightBracket,
            '{' => Self::LeftBrace,
            '}' => Self::RightBrace,
            ',' => Self::Comma,
            ';' => Self::Semicolon,
            '.' => Self::Period,
            ':' => Self::Colon,
            '=' => Self::Eq,
            '<' => Self::Lt,
            '>' => Self::Gt,
            '+' => Self::Plus,
            '-' => Self::Minus,
            '*' => Self::Star,
            '/' => Self::Slash,
            '%' => Self::Percent,
            '|' => Self::Pipe,
            '&' => Self::Ampersand,
            '^' => Self::Caret,
            '~' => Self::Tilde,
            '!' => Self::Bang,
            '?' => Self::Question,
            _ => return None,
        })
    }

    /// How it is written.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::LeftParen => "(",
            Self::RightParen => ")",
            Self::LeftBracket => "[",
            Self::RightBracket => "]",
            Self::LeftBrace => "{",
            Self::RightBrace => "}",
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Period => ".",
            Self::Colon => ":",
            Self::DoubleColon => "::",
            Self::Eq => "=",
            Self::NotEq => "<>",
            Self::Lt => "<",
            Self::LtEq => "<=",
            Self::Gt => ">",
            Self::GtEq => ">=",
            Self::NullSafeEq => "<=>",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Star => "*",
            Self::Slash => "/",
            Self::Percent => "%",
            Self::Concat => "||",
            Self::Pipe => "|",
            Self::Ampersand => "&",
            Self::Caret => "^",
            Self::Tilde => "~",
            Self::Bang => "!",
            Self::Arrow => "->",
            Self::FatArrow => "=>",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::ShiftRightUnsigned => ">>>",
            Self::PipeTo => "|>",
            Self::Question => "?",
        }
    }
}
