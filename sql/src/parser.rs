//! The cursor over the tokens: looking ahead, accepting, failing with a place, and the guard against deep nesting.

use rsql_common::{Error, Result, Span};

use crate::ParseOptions;
use crate::lexer;
use crate::token::{Symbol, Token, TokenKind};

/// Recursive descent over the tokens of one text. The grammar stands in the other modules, one concept each.
pub(crate) struct Parser<'a> {
    pub(crate) text: &'a str,
    pub(crate) options: &'a ParseOptions,
    tokens: Vec<Token>,
    /// Index of the closing parenthesis for each opening one.
    closing: Vec<u32>,
    pos: usize,
    depth: usize,
    /// `?` seen so far.
    pub(crate) parameters: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, options: &'a ParseOptions) -> Result<Self> {
        if text.len() > options.max_length {
            return Err(Error::user("FAILED_TO_PARSE_TOO_COMPLEX").with_message(format!(
                "The text has {} bytes; at most {} are accepted (setting rsql.sql.max_length).",
                text.len(),
                options.max_length
            )));
        }
        let tokens = lexer::tokenize(text, options.ansi && options.double_quoted_identifiers)?;
        let closing = lexer::match_parens(&tokens);
        Ok(Self {
            text,
            options,
            tokens,
            closing,
            pos: 0,
            depth: 0,
            parameters: 0,
        })
    }

    // Looking.

    pub(crate) fn peek(&self) -> Token {
        self.tokens[self.pos]
    }

    /// The token `n` after the current one; the end when there are fewer.
    pub(crate) fn peek_at(&self, n: usize) -> Token {
        self.tokens[(self.pos + n).min(self.tokens.len() - 1)]
    }

    pub(crate) fn token_text(&self, token: Token) -> &'a str {
        &self.text[token.start as usize..token.end as usize]
    }

    fn is_word(&self, token: Token, keyword: &str) -> bool {
        token.kind == TokenKind::Word && self.token_text(token).eq_ignore_ascii_case(keyword)
    }

    pub(crate) fn at(&self, keyword: &str) -> bool {
        self.is_word(self.peek(), keyword)
    }

    pub(crate) fn at_n(&self, n: usize, keyword: &str) -> bool {
        self.is_word(self.peek_at(n), keyword)
    }

    pub(crate) fn at_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|k| self.at(k))
    }

    /// The current tokens are these words, one after the other.
    pub(crate) fn at_all(&self, keywords: &[&str]) -> bool {
        keywords.iter().enumerate().all(|(i, k)| self.at_n(i, k))
    }

    pub(crate) fn at_symbol(&self, symbol: Symbol) -> bool {
        self.peek().kind == TokenKind::Symbol(symbol)
    }

    pub(crate) fn symbol_at(&self, n: usize, symbol: Symbol) -> bool {
        self.peek_at(n).kind == TokenKind::Symbol(symbol)
    }

    pub(crate) fn at_string(&self) -> bool {
        self.peek().kind == TokenKind::String
    }

    pub(crate) fn at_end(&self) -> bool {
        self.peek().kind == TokenKind::End
    }

    /// How many tokens lie between the `(` that stands `n` tokens ahead and the current token, plus what its `)` adds:
    /// the distance of the matching `)`.
    pub(crate) fn closing_of(&self, n: usize) -> usize {
        let open = (self.pos + n).min(self.tokens.len() - 1);
        self.closing[open] as usize - self.pos
    }

    /// The text ends `n` tokens ahead.
    pub(crate) fn end_at(&self, n: usize) -> bool {
        self.peek_at(n).kind == TokenKind::End
    }

    // Accepting.

    pub(crate) fn advance(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.pos += 1;
        }
        token
    }

    pub(crate) fn eat(&mut self, keyword: &str) -> bool {
        let found = self.at(keyword);
        if found {
            self.pos += 1;
        }
        found
    }

    /// Accepts these words one after the other, or nothing.
    pub(crate) fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let found = self.at_all(keywords);
        if found {
            self.pos += keywords.len();
        }
        found
    }

    pub(crate) fn eat_symbol(&mut self, symbol: Symbol) -> bool {
        let found = self.at_symbol(symbol);
        if found {
            self.pos += 1;
        }
        found
    }

    /// Accepts one `>`, also as the first character of `>>` or `>>>`.
    pub(crate) fn expect_closing_angle(&mut self) -> Result<()> {
        let rest = match self.peek().kind {
            TokenKind::Symbol(Symbol::ShiftRight) => Symbol::Gt,
            TokenKind::Symbol(Symbol::ShiftRightUnsigned) => Symbol::ShiftRight,
            _ => return self.expect_symbol(Symbol::Gt),
        };
        let token = &mut self.tokens[self.pos];
        token.kind = TokenKind::Symbol(rest);
        token.start += 1;
        Ok(())
    }

    pub(crate) fn expect(&mut self, keyword: &str) -> Result<()> {
        if self.eat(keyword) {
            Ok(())
        } else {
            Err(self.expected(keyword))
        }
    }

    pub(crate) fn expect_all(&mut self, keywords: &[&str]) -> Result<()> {
        keywords.iter().try_for_each(|k| self.expect(k))
    }

    pub(crate) fn expect_symbol(&mut self, symbol: Symbol) -> Result<()> {
        if self.eat_symbol(symbol) {
            Ok(())
        } else {
            Err(self.expected(&format!("'{}'", symbol.text())))
        }
    }

    pub(crate) fn expect_end(&self) -> Result<()> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.expected("the end"))
        }
    }

    /// `NOT` or `!`
    pub(crate) fn eat_not(&mut self) -> bool {
        self.eat("NOT") || self.eat_symbol(Symbol::Bang)
    }

    pub(crate) fn eat_if_exists(&mut self) -> bool {
        self.eat_all(&["IF", "EXISTS"])
    }

    pub(crate) fn eat_if_not_exists(&mut self) -> bool {
        if self.at("IF") && (self.at_n(1, "NOT") || self.symbol_at(1, Symbol::Bang)) && self.at_n(2, "EXISTS") {
            self.pos += 3;
            return true;
        }
        false
    }

    // Combining.

    /// One or more, separated by commas.
    pub(crate) fn comma_separated<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_symbol(Symbol::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `( … )`
    pub(crate) fn parenthesized<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.expect_symbol(Symbol::LeftParen)?;
        let value = inside(self)?;
        self.expect_symbol(Symbol::RightParen)?;
        Ok(value)
    }

    /// `( item, … )` with at least one item.
    pub(crate) fn list<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.parenthesized(|p| p.comma_separated(item))
    }

    /// Runs `inside` one level deeper, on a stack that grows.
    pub(crate) fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= self.options.max_depth {
            return Err(self.too_deep(self.options.max_depth));
        }
        self.depth += 1;
        let result = stacker::maybe_grow(256 << 10, 4 << 20, || inside(self));
        self.depth -= 1;
        result
    }

    /// Fails when a chain of operators, which nests to the left, grew beyond the depth limit.
    pub(crate) fn check_chain(&self, length: usize) -> Result<()> {
        let limit = self.options.max_depth;
        if length > limit {
            Err(self.too_deep(limit))
        } else {
            Ok(())
        }
    }

    fn too_deep(&self, limit: usize) -> Error {
        Error::user("FAILED_TO_PARSE_TOO_COMPLEX")
            .with_message(format!(
                "The statement nests deeper than {limit} levels (setting rsql.sql.max_depth)."
            ))
            .at(self.peek().span())
    }

    // Places and failures.

    /// Offset where the current token starts.
    pub(crate) fn start(&self) -> u32 {
        self.peek().start
    }

    /// From `start` to the end of the last accepted token.
    pub(crate) fn span_since(&self, start: u32) -> Span {
        let end = match self.pos.checked_sub(1) {
            Some(last) => self.tokens[last].end.max(start),
            None => start,
        };
        Span { start, end }
    }

    /// The accepted tokens from `start` on, each with the one behind it; parentheses around queries are left out.
    pub(crate) fn tokens_since(&self, start: u32) -> Vec<(Token, Token)> {
        let mut i = self.tokens[..self.pos].partition_point(|t| t.start < start);
        let mut pairs = Vec::new();
        while i < self.pos {
            let opens_query = self.tokens[i].kind == TokenKind::Symbol(Symbol::LeftParen)
                && ["SELECT", "WITH", "FROM"]
                    .iter()
                    .any(|k| self.is_word(self.tokens[i + 1], k));
            if opens_query {
                i = self.closing[i] as usize;
            }
            pairs.push((self.tokens[i], self.tokens[(i + 1).min(self.tokens.len() - 1)]));
            i += 1;
        }
        pairs
    }

    /// Text from `start` to the end of the last accepted token.
    pub(crate) fn text_since(&self, start: u32) -> &'a str {
        self.span_since(start).text(self.text)
    }

    /// A syntax error at the current token.
    pub(crate) fn fail<T>(&self) -> Result<T> {
        Err(self.syntax_error())
    }

    fn syntax_error(&self) -> Error {
        self.syntax_error_with("")
    }

    /// A syntax error that says what should stand here.
    pub(crate) fn expected(&self, what: &str) -> Error {
        self.syntax_error_with(&format!(": expected {what}"))
    }

    fn syntax_error_with(&self, hint: &str) -> Error {
        let token = self.peek();
        let error = match token.kind {
            TokenKind::End => "end of input".to_string(),
            _ => format!("'{}'", self.token_text(token)),
        };
        Error::user("PARSE_SYNTAX_ERROR")
            .param("error", error)
            .param("hint", hint)
            .at(token.span())
    }
}
