//! Numbers and texts in as few bytes as they need: what records and posting
//! lists are written in.
//!
//! Calls nobody.

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Writes a number in place, as [`put_number`] does; gives how many bytes it took.
#[inline]
pub(super) fn write_number(out: &mut [u8], mut number: u64) -> usize {
    let mut at = 0;
    while number >= 0x80 {
        out[at] = number.to_le_bytes()[0] | 0x80;
        number >>= 7;
        at += 1;
    }
    out[at] = number.to_le_bytes()[0];
    at + 1
}

/// How many bytes a number takes.
pub(super) fn length_of(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Takes a number off the front; 0 at the end.
#[inline]
pub(super) fn take_number(from: &mut &[u8]) -> u64 {
    let mut number = 0;
    let mut shift = 0;
    while let Some((first, rest)) = from.split_first() {
        *from = rest;
        number |= u64::from(first & 0x7F) << shift;
        if *first < 0x80 {
            break;
        }
        shift += 7;
    }
    number
}

/// As [`take_number`], for what was put in as a place in a list.
#[inline]
pub(super) fn take_index(from: &mut &[u8]) -> u32 {
    u32::try_from(take_number(from)).unwrap_or(u32::MAX)
}

/// Appends bytes and how many they are.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes bytes off the front.
#[inline]
pub(super) fn take_bytes<'a>(from: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::try_from(take_number(from)).unwrap_or(usize::MAX).min(from.len());
    let (bytes, rest) = from.split_at(length);
    *from = rest;
    bytes
}

/// Takes a text off the front.
pub(super) fn take_text<'a>(from: &mut &'a [u8]) -> &'a str {
    std::str::from_utf8(take_bytes(from)).unwrap_or_default()
}

/// Takes sixteen bytes off the front, as they are.
pub(super) fn take_id(from: &mut &[u8]) -> [u8; 16] {
    let Some((id, rest)) = from.split_first_chunk::<16>() else { return [0; 16] };
    *from = rest;
    *id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_out_as_it_went_in() {
        for number in [0, 1, 127, 128, 300, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(bytes.len(), length_of(number), "{number}");
            assert_eq!(take_number(&mut bytes.as_slice()), number);
            let mut place = vec![0; bytes.len()];
            assert_eq!((write_number(&mut place, number), place), (bytes.len(), bytes), "in place it is the same");
        }
    }

    #[test]
    fn what_is_cut_off_is_no_reason_to_fail() {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, b"keller");
        let mut cut = &bytes[..3];
        assert_eq!(take_bytes(&mut cut), b"ke");
        assert_eq!(take_number(&mut cut), 0);
    }
}
