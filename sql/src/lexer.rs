//! From sqlparser's tokens to ours: byte offsets instead of lines, numbers and operators by Spark's rules, hints
//! opened up, comments and blanks dropped.

use rsql_common::{Error, Result, Span};
use sqlparser::tokenizer::{Location, Token as RawToken, TokenWithSpan, Tokenizer, Whitespace};

use crate::dialect::SparkDialect;
use crate::number;
use crate::scan;
use crate::token::{Symbol, Token, TokenKind};

/// Tokens of `text`, ended by one [`TokenKind::End`].
pub(crate) fn tokenize(text: &str, double_quoted_identifiers: bool) -> Result<Vec<Token>> {
    let mut lexer = Lexer {
        text,
        double_quoted_identifiers,
        in_hint: false,
        tokens: Vec::new(),
    };
    lexer.run(0, text.len())?;
    lexer.push(TokenKind::End, text.len(), text.len());
    Ok(lexer.tokens)
}

/// For each `(` the index of its `)`; for all else, and where there is none, the index of the last token.
pub(crate) fn match_parens(tokens: &[Token]) -> Vec<u32> {
    let last = tokens.len().saturating_sub(1) as u32;
    let mut closing = vec![last; tokens.len()];
    let mut open = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Symbol(Symbol::LeftParen) => open.push(i),
            TokenKind::Symbol(Symbol::RightParen) => {
                if let Some(start) = open.pop() {
                    closing[start] = i as u32;
                }
            }
            _ => {}
        }
    }
    closing
}

/// A raw token with its byte range.
struct Piece {
    token: RawToken,
    start: usize,
    end: usize,
}

struct Lexer<'a> {
    text: &'a str,
    double_quoted_identifiers: bool,
    /// A hint inside a hint is a comment.
    in_hint: bool,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Tokenizes `start..end` of the text.
    fn run(&mut self, start: usize, end: usize) -> Result<()> {
        let pieces = self.pieces(start, end)?;
        let mut i = 0;
        while i < pieces.len() {
            let chunk_end = number_chunk(self.text, &pieces, i);
            if chunk_end > i {
                self.numbers(pieces[i].start, pieces[chunk_end - 1].end);
                i = chunk_end;
            } else {
                self.piece(&pieces[i])?;
                i += 1;
            }
        }
        Ok(())
    }

    /// Runs sqlparser's tokenizer and turns lines and columns into offsets. Tokens leave no gaps, so that each ends
    /// where the next starts; what could not be read is one token up to the end.
    fn pieces(&self, start: usize, end: usize) -> Result<Vec<Piece>> {
        let masked = scan::mask(&self.text[start..end]);
        let mut raw: Vec<TokenWithSpan> = Vec::new();
        let failure = Tokenizer::new(&SparkDialect, &masked)
            .with_unescape(false)
            .tokenize_with_location_into_buf(&mut raw)
            .err();
        let mut cursor = Cursor::new(&masked);
        let mut starts: Vec<usize> = raw.iter().map(|t| start + cursor.offset_of(t.span.start)).collect();
        if let Some(error) = failure {
            let at = match raw.last() {
                Some(last) => start + cursor.offset_of(last.span.end),
                None => start,
            };
            if error.message.contains("comment") {
                return Err(Error::user("UNCLOSED_BRACKETED_COMMENT").at(Span::new(at, end)));
            }
            raw.push(TokenWithSpan::wrap(RawToken::Char('\0')));
            starts.push(at);
        }
        starts.push(end);
        let pieces = raw.into_iter().enumerate();
        Ok(pieces
            .map(|(i, t)| Piece {
                token: t.token,
                start: starts[i],
                end: starts[i + 1],
            })
            .collect())
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        let span = Span::new(start, end);
        self.tokens.push(Token {
            kind,
            start: span.start,
            end: span.end,
        });
    }

    /// Lexes a stretch of letters, digits and periods that holds a number.
    fn numbers(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let (kind, length) = number::next_in_chunk(&self.text[at..end]);
            self.push(kind, at, at + length);
            at += length;
        }
    }

    fn piece(&mut self, piece: &Piece) -> Result<()> {
        let (start, end) = (piece.start, piece.end);
        let kind = match &piece.token {
            RawToken::Whitespace(Whitespace::MultiLineComment(comment)) => {
                if comment.starts_with('+') && !self.in_hint {
                    self.push(TokenKind::HintStart, start, start + 3);
                    self.in_hint = true;
                    self.run(start + 3, end - 2)?;
                    self.in_hint = false;
                    self.push(TokenKind::HintEnd, end - 2, end);
                }
                return Ok(());
            }
            RawToken::Whitespace(_) => return Ok(()),
            RawToken::Word(word) if word.quote_style.is_some() => self.quoted(start),
            RawToken::Word(_) => TokenKind::Word,
            RawToken::SingleQuotedString(_) => TokenKind::String,
            RawToken::DoubleQuotedString(_) if self.double_quoted_identifiers => self.quoted(start),
            RawToken::DoubleQuotedString(_) => TokenKind::String,
            RawToken::HexStringLiteral(_) | RawToken::NationalStringLiteral(_) => {
                self.push(TokenKind::Word, start, start + 1);
                self.push(TokenKind::String, start + 1, end);
                return Ok(());
            }
            RawToken::Char('\0') => TokenKind::Unknown,
            RawToken::Char(c) if c.is_whitespace() => return Ok(()),
            RawToken::ShiftRight | RawToken::Gt => {
                self.angles(start, end);
                return Ok(());
            }
            other => match symbol_of(other) {
                Some(symbol) => TokenKind::Symbol(symbol),
                None => {
                    self.characters(start, end);
                    return Ok(());
                }
            },
        };
        self.push(kind, start, end);
        Ok(())
    }

    /// An identifier, unless the quotes mask a raw string.
    fn quoted(&self, start: usize) -> TokenKind {
        if self.text[start..].starts_with(['r', 'R']) {
            TokenKind::String
        } else {
            TokenKind::Quoted
        }
    }

    /// `>` or `>>`; its first character joins a `>>` right before it.
    fn angles(&mut self, start: usize, end: usize) {
        let mut at = start;
        if let Some(last) = self.tokens.last_mut()
            && last.kind == TokenKind::Symbol(Symbol::ShiftRight)
            && last.end as usize == start
        {
            last.kind = TokenKind::Symbol(Symbol::ShiftRightUnsigned);
            last.end += 1;
            at += 1;
        }
        match end - at {
            0 => {}
            1 => self.push(TokenKind::Symbol(Symbol::Gt), at, end),
            _ => self.push(TokenKind::Symbol(Symbol::ShiftRight), at, end),
        }
    }

    /// Operators of other dialects, such as `!~` or `~~`, are single characters here.
    fn characters(&mut self, start: usize, end: usize) {
        for (i, c) in self.text[start..end].char_indices() {
            let at = start + i;
            let kind = match Symbol::of_char(c) {
                _ if self.text[at..end].starts_with("->") => {
                    self.push(TokenKind::Symbol(Symbol::Arrow), at, at + 2);
                    return self.characters(at + 2, end);
                }
                Some(symbol) => TokenKind::Symbol(symbol),
                None => {
                    self.push(TokenKind::Unknown, at, end);
                    return;
                }
            };
            self.push(kind, at, at + c.len_utf8());
        }
    }
}

/// End (exclusive) of the run of words, numbers and periods from piece `i` on if there is a number among them that
/// sqlparser and Spark may cut differently; `i` otherwise.
fn number_chunk(text: &str, pieces: &[Piece], i: usize) -> usize {
    let mut has_number = false;
    let mut end = i;
    while let Some(piece) = pieces.get(end) {
        match &piece.token {
            RawToken::Number(..) => has_number = true,
            RawToken::HexStringLiteral(_) if text[piece.start..].starts_with('0') => has_number = true,
            RawToken::Word(word) if word.quote_style.is_none() => {}
            RawToken::Period => {}
            _ => break,
        }
        end += 1;
    }
    if has_number { end } else { i }
}

fn symbol_of(token: &RawToken) -> Option<Symbol> {
    Some(match token {
        RawToken::LParen => Symbol::LeftParen,
        RawToken::RParen => Symbol::RightParen,
        RawToken::LBracket => Symbol::LeftBracket,
        RawToken::RBracket => Symbol::RightBracket,
        RawToken::LBrace => Symbol::LeftBrace,
        RawToken::RBrace => Symbol::RightBrace,
        RawToken::Comma => Symbol::Comma,
        RawToken::SemiColon => Symbol::Semicolon,
        RawToken::Period => Symbol::Period,
        RawToken::Colon => Symbol::Colon,
        RawToken::DoubleColon => Symbol::DoubleColon,
        RawToken::Eq | RawToken::DoubleEq => Symbol::Eq,
        RawToken::Neq => Symbol::NotEq,
        RawToken::Lt => Symbol::Lt,
        RawToken::LtEq => Symbol::LtEq,
        RawToken::GtEq => Symbol::GtEq,
        RawToken::Spaceship => Symbol::NullSafeEq,
        RawToken::Plus => Symbol::Plus,
        RawToken::Minus => Symbol::Minus,
        RawToken::Mul => Symbol::Star,
        RawToken::Div => Symbol::Slash,
        RawToken::Mod => Symbol::Percent,
        RawToken::StringConcat => Symbol::Concat,
        RawToken::Pipe => Symbol::Pipe,
        RawToken::VerticalBarRightAngleBracket => Symbol::PipeTo,
        RawToken::Ampersand => Symbol::Ampersand,
        RawToken::Caret => Symbol::Caret,
        RawToken::Tilde => Symbol::Tilde,
        RawToken::ExclamationMark => Symbol::Bang,
        RawToken::Arrow => Symbol::Arrow,
        RawToken::RArrow => Symbol::FatArrow,
        RawToken::ShiftLeft => Symbol::ShiftLeft,
        RawToken::Placeholder(p) if p == "?" => Symbol::Question,
        _ => return None,
    })
}

/// Walks the text once, from place to place.
struct Cursor<'a> {
    text: &'a str,
    offset: usize,
    line: u64,
    column: u64,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    /// Offset of `place`, which must not lie before the last one asked for.
    fn offset_of(&mut self, place: Location) -> usize {
        for c in self.text[self.offset..].chars() {
            if (self.line, self.column) >= (place.line, place.column) {
                break;
            }
            self.offset += c.len_utf8();
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        let tokens = tokenize(sql, false).unwrap();
        tokens[..tokens.len() - 1].iter().map(|t| t.span().text(sql)).collect()
    }

    #[test]
    fn cuts_as_spark_does() {
        let cases: &[(&str, &[&str])] = &[
            ("1Y 1a 1.5BD .5 5. 1e3", &["1Y", "1a", "1.5BD", ".5", "5.", "1e3"]),
            ("t.1a 0x1F 1.e", &["t", ".", "1a", "0x1F", "1", ".", "e"]),
            ("1e-5+1E+2BD-3L", &["1e-5", "+", "1E+2BD", "-", "3L"]),
            ("a>>>b >> c >>>>d", &["a", ">>>", "b", ">>", "c", ">>>", ">", "d"]),
            (
                "a<=>b ->> !~c ~~d",
                &["a", "<=>", "b", "->", ">", "!", "~", "c", "~", "~", "d"],
            ),
            ("r'\\' x'1F' N'é' 'a''b'", &["r'\\'", "x", "'1F'", "N", "'é'", "'a''b'"]),
            ("f(x)._c t . _d", &["f", "(", "x", ")", ".", "_c", "t", ".", "_d"]),
            ("/* a /* b */ */ 1 -- c\n/*+ X */", &["1", "/*+", "X", "*/"]),
            ("é中\n`a``b` \"q\"", &["é中", "`a``b`", "\"q\""]),
            ("-- a \\\n b\nselect", &["select"]),
            ("x := && ^@", &["x", ":", "=", "&", "&", "^", "@"]),
        ];
        for (sql, want) in cases {
            assert_eq!(&texts(sql), want, "{sql}");
        }
    }

    #[test]
    fn open_quotes_are_one_unknown_token() {
        let sql = "select 'abc";
        let tokens = tokenize(sql, false).unwrap();
        assert_eq!(tokens[1].kind, TokenKind::Unknown);
        assert_eq!(tokens[1].span().text(sql), "'abc");
        assert_eq!(
            tokenize("select /* 1", false).unwrap_err().condition(),
            "UNCLOSED_BRACKETED_COMMENT"
        );
    }
}
