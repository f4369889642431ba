//! Numbers and telephones are as many as customers, so they are found by their
//! pieces of four characters. A list of a piece holds all that may match; each
//! is looked at before it is believed.
//!
//! May call [`super::postings`].

use super::postings::{Looked, Postings};

/// The border of a word: the beginning, the end, and what is neither letter nor digit.
const BORDER: u16 = 10;
/// How many different pieces there are.
const ALL: usize = 1 << 16;

/// Digits are told apart; letters, rare in numbers, share five signs.
fn sign(c: char) -> u16 {
    match c {
        '0'..='9' => c as u16 - '0' as u16,
        _ if !c.is_alphanumeric() => BORDER,
        _ => 11 + u16::try_from(u32::from(c) % 5).unwrap_or(0),
    }
}

/// Calls `put` with each piece of a text. The end is a border twice, so that
/// a part of two characters stands at the beginning of some piece.
pub(super) fn of(text: &str, mut put: impl FnMut(u16)) {
    if text.is_empty() {
        return;
    }
    let mut piece = BORDER;
    let signs = text.chars().map(sign).chain([BORDER, BORDER]);
    for (at, sign) in signs.enumerate() {
        piece = piece << 4 | sign;
        if at >= 2 {
            put(piece);
        }
    }
}

/// The pieces that there are, ascending, and the customers that have each.
#[derive(Debug, Default)]
pub(super) struct PieceLists {
    pieces: Box<[u16]>,
    pub(super) postings: Postings,
}

impl PieceLists {
    /// Lists from all pairs of piece and customer, customers ascending. `pairs`
    /// is asked twice and says the same each time.
    pub(super) fn build(pairs: impl Fn(&mut dyn FnMut(u16, u32))) -> Self {
        let of_all = Postings::build(ALL, |put| pairs(&mut |piece, customer| put(u32::from(piece), customer)));
        let pieces = (0..=u16::MAX).filter(|piece| of_all.count(u32::from(*piece)) > 0).collect();
        Self { pieces, postings: of_all.without_empty() }
    }

    /// The lists to look into.
    pub(super) fn look(&self, asked: &Asked) -> Looked {
        let list = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        match asked {
            Asked::Every(every) => {
                let lists: Option<Vec<u32>> = every.iter().map(|piece| self.pieces.binary_search(piece).ok().map(list)).collect();
                Looked::InEvery(lists.unwrap_or_default())
            }
            Asked::Beginning(range) => {
                let first = self.pieces.partition_point(|piece| piece < range.start());
                let end = self.pieces.partition_point(|piece| piece <= range.end());
                Looked::InAny((first..end).map(list).collect())
            }
            Asked::With(sign) => {
                let with = self.pieces.iter().enumerate().filter(|(_, piece)| Asked::has_sign(**piece, *sign));
                Looked::InAny(with.map(|(at, _)| list(at)).collect())
            }
        }
    }

    /// The memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.pieces.len() * 2 + self.postings.bytes()
    }
}

/// How a part is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Anywhere.
    Anywhere,
    /// At a word start.
    WordStart,
    /// It is the whole text.
    Whole,
}

/// Where to look for a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Each of these pieces must be there.
    Every(Vec<u16>),
    /// One of the pieces that start with these signs.
    Beginning(std::ops::RangeInclusive<u16>),
    /// One of the pieces in which the sign stands somewhere.
    With(u16),
}

impl Asked {
    /// The pieces to look for.
    pub(super) fn for_part(part: &str, standing: Standing) -> Self {
        let mut signs: Vec<u16> = part.chars().map(sign).collect();
        if standing != Standing::Anywhere {
            signs.insert(0, BORDER);
        }
        if standing == Standing::Whole {
            signs.extend([BORDER, BORDER]);
        }
        let joined = |signs: &[u16]| signs.iter().fold(0, |piece, sign| piece << 4 | sign);
        match signs.len() {
            0 => Self::Beginning(0..=u16::MAX),
            1 => Self::With(signs[0]),
            length @ 2..=3 => {
                let free = 4 * (4 - length);
                let first = joined(&signs) << free;
                Self::Beginning(first..=first | ((1 << free) - 1))
            }
            _ => Self::Every(signs.windows(4).map(joined).collect()),
        }
    }

    /// Whether a piece has a sign.
    fn has_sign(piece: u16, sign: u16) -> bool {
        (0..4).any(|place| piece >> (4 * place) & 0xF == sign)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str) -> Vec<u16> {
        let mut pieces = Vec::new();
        of(text, |piece| pieces.push(piece));
        pieces
    }

    fn may_be_in(asked: &Asked, text: &str) -> bool {
        let pieces = pieces(text);
        match asked {
            Asked::Every(every) => every.iter().all(|piece| pieces.contains(piece)),
            Asked::Beginning(range) => pieces.iter().any(|piece| range.contains(piece)),
            Asked::With(sign) => pieces.iter().any(|piece| Asked::has_sign(*piece, *sign)),
        }
    }

    #[test]
    fn a_number_is_told_from_its_neighbours() {
        assert!(may_be_in(&Asked::for_part("1234", Standing::Anywhere), "991234"));
        assert!(!may_be_in(&Asked::for_part("1234", Standing::WordStart), "991234"));
        assert!(may_be_in(&Asked::for_part("1234", Standing::WordStart), "99-1234"));
        assert!(!may_be_in(&Asked::for_part("1234", Standing::Whole), "12345"));
        assert!(may_be_in(&Asked::for_part("34", Standing::Anywhere), "1234"));
        assert!(may_be_in(&Asked::for_part("4", Standing::Anywhere), "1234"));
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_text_is_looked_for_there(text in "[0-9a-c. -]{1,12}", from in 0_usize..12, length in 1_usize..6) {
            let part: String = text.chars().skip(from).take(length).filter(|c| *c != ' ').collect();
            if !part.is_empty() && text.contains(&part) {
                prop_assert!(may_be_in(&Asked::for_part(&part, Standing::Anywhere), &text));
            }
            prop_assert!(may_be_in(&Asked::for_part(&text, Standing::Whole), &text));
        }
    }
}
