//! tantivy with trigrams that know their positions, so that a phrase of them is
//! a piece of text. Its own n-gram tokenizer gives every token position 0.
//!
//! May call [`crate::tiers`] and [`crate::folded`].

use std::path::Path;

use anyhow::Result;
use countertop::rules::customer_search::Field;
use tantivy::directory::MmapDirectory;
use tantivy::query::{BooleanQuery, EnableScoring, PhraseQuery, Query, TermQuery};
use tantivy::schema::{self, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use tantivy::{DocAddress, DocSet as _, Index, Searcher, SingleSegmentIndexWriter, TERMINATED, TantivyDocument, Term};

use crate::folded::Folded;
use crate::tiers::{Ask, Peer, Sought, Wanted, column, marked};

/// The index, one segment.
pub(crate) struct Trigrams {
    searcher: Searcher,
    fields: Fields,
}

#[derive(Debug, Clone, Copy)]
struct Fields {
    /// Trigrams of each field, in the order of [`Field::ALL`].
    pieces: [schema::Field; 6],
    /// Whole numbers.
    number: schema::Field,
    /// Whole names.
    name: schema::Field,
    /// What is given back.
    text: schema::Field,
}

/// More than any segment of the sizes measured here needs.
const MEMORY: usize = 8_000_000_000;
const TOKENIZER: &str = "positional_trigrams";

impl Trigrams {
    /// Makes it in a folder.
    pub(crate) fn build(folded: &Folded, folder: &Path) -> Result<Self> {
        let (schema, fields) = fields();
        let tokenizers = TokenizerManager::default();
        tokenizers.register(TOKENIZER, PositionalTrigrams::default());
        let builder = Index::builder().schema(schema).tokenizers(tokenizers);
        let mut writer: SingleSegmentIndexWriter = builder.single_segment_index_writer(MmapDirectory::open(folder)?, MEMORY)?;
        for text in folded.all() {
            let mut document = TantivyDocument::default();
            for (field, pieces) in Field::ALL.into_iter().zip(fields.pieces) {
                document.add_text(pieces, marked(text, field));
            }
            for number in text.lines(Field::Number) {
                document.add_text(fields.number, number);
            }
            document.add_text(fields.name, text.name());
            document.add_text(fields.text, text.0);
            writer.add_document(document)?;
        }
        let index = writer.finalize()?;
        Ok(Self { searcher: index.reader()?.searcher(), fields })
    }

    fn see(&self, rank: u32, sought: &mut Sought<'_>) -> Result<()> {
        if !sought.has(rank) {
            let document: TantivyDocument = self.searcher.doc(DocAddress::new(0, rank))?;
            let text = document.get_first(self.fields.text).and_then(|text| text.as_str()).unwrap_or_default();
            sought.take(rank, text);
        }
        Ok(())
    }

    fn with_number(&self, number: &str, sought: &mut Sought<'_>) -> Result<()> {
        let numbers = self.searcher.segment_reader(0).inverted_index(self.fields.number)?;
        let term = Term::from_field_text(self.fields.number, number);
        if let Some(mut found) = numbers.read_postings(&term, IndexRecordOption::Basic)? {
            while found.doc() != TERMINATED && !sought.is_full() {
                self.see(found.doc(), sought)?;
                found.advance();
            }
        }
        Ok(())
    }

    fn with_name(&self, start: &str, sought: &mut Sought<'_>) -> Result<()> {
        let names = self.searcher.segment_reader(0).inverted_index(self.fields.name)?;
        let end = format!("{start}\u{10FFFF}");
        let mut range = names.terms().range().ge(start.as_bytes()).lt(end.as_bytes()).into_stream()?;
        while !sought.is_full() && range.advance() {
            let mut found = names.read_postings_from_terminfo(range.value(), IndexRecordOption::Basic)?;
            while found.doc() != TERMINATED && !sought.is_full() {
                self.see(found.doc(), sought)?;
                found.advance();
            }
        }
        Ok(())
    }

    fn with_pieces(&self, query: &dyn Query, sought: &mut Sought<'_>) -> Result<()> {
        let weight = query.weight(EnableScoring::disabled_from_searcher(&self.searcher))?;
        let mut found = weight.scorer(self.searcher.segment_reader(0), 1.0)?;
        while found.doc() != TERMINATED && !sought.is_full() {
            self.see(found.doc(), sought)?;
            found.advance();
        }
        Ok(())
    }

    fn wanted(&self, wanted: &Wanted) -> Box<dyn Query> {
        let in_field = |field: Field, text: &str| phrase(self.fields.pieces[field as usize], text);
        let in_fields = wanted.fields.iter().map(|field| in_field(*field, &wanted.text));
        one_of(in_fields.chain(wanted.phone.as_deref().map(|digits| in_field(Field::Phone, digits))).collect())
    }
}

impl Peer for Trigrams {
    fn candidates(&mut self, ask: &Ask, sought: &mut Sought<'_>) -> Result<()> {
        match ask {
            Ask::Number(number) => self.with_number(number, sought),
            Ask::NameStart(start) => self.with_name(start, sought),
            Ask::Any(any) => {
                let all = |all: &Vec<Wanted>| all_of(all.iter().map(|wanted| self.wanted(wanted)).collect());
                let query = one_of(any.iter().map(all).collect());
                self.with_pieces(&*query, sought)
            }
        }
    }
}

fn fields() -> (Schema, Fields) {
    let indexing = TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_fieldnorms(false).set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let pieces = TextOptions::default().set_indexing_options(indexing);
    let mut schema = Schema::builder();
    let fields = Fields {
        pieces: Field::ALL.map(|field| schema.add_text_field(column(field), pieces.clone())),
        number: schema.add_text_field("whole_number", STRING),
        name: schema.add_text_field("whole_name", STRING),
        text: schema.add_text_field("text", STORED),
    };
    (schema.build(), fields)
}

fn phrase(field: schema::Field, text: &str) -> Box<dyn Query> {
    let mut terms = trigrams(text).map(|trigram| Term::from_field_text(field, trigram)).collect::<Vec<_>>();
    match terms.pop() {
        Some(only) if terms.is_empty() => Box::new(TermQuery::new(only, IndexRecordOption::Basic)),
        last => {
            terms.extend(last);
            Box::new(PhraseQuery::new(terms))
        }
    }
}

fn one_of(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    match queries.pop() {
        Some(only) if queries.is_empty() => only,
        last => {
            queries.extend(last);
            Box::new(BooleanQuery::union(queries))
        }
    }
}

fn all_of(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    match queries.pop() {
        Some(only) if queries.is_empty() => only,
        last => {
            queries.extend(last);
            Box::new(BooleanQuery::intersection(queries))
        }
    }
}

/// Every three letters that follow each other.
fn trigrams(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.char_indices().map(|(start, _)| start);
    let ends = text.char_indices().skip(2).map(|(start, letter)| start + letter.len_utf8());
    starts.zip(ends).map(|(start, end)| &text[start..end])
}

#[derive(Debug, Clone, Default)]
struct PositionalTrigrams {
    token: Token,
}

struct Stream<'a> {
    text: &'a str,
    /// Where the next one starts.
    at: usize,
    token: &'a mut Token,
}

impl Tokenizer for PositionalTrigrams {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.token.reset();
        Stream { text, at: 0, token: &mut self.token }
    }
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let Some(trigram) = trigrams(rest).next() else { return false };
        self.token.text.clear();
        self.token.text.push_str(trigram);
        // A reset token stands one before the first position.
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = self.at;
        self.token.offset_to = self.at + trigram.len();
        self.at += trigram.chars().next().map_or(0, char::len_utf8);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
