//! Vehicle identification numbers (S3-33; ISO 3779, 49 CFR 565).

/// What is wrong with a VIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VinFault {
    /// Not 17 characters; machines carry a PIN or a short serial instead.
    #[error("a VIN has 17 characters, this has {0}")]
    Length(usize),
    /// The letters I, O and Q are never used (S3-33).
    #[error("a VIN never holds the letter {0}")]
    Letter(char),
    /// Neither letter nor digit.
    #[error("a VIN holds only letters and digits, not {0:?}")]
    Character(char),
    /// The ninth character does not agree with the rest.
    #[error("the check digit should be {expected}, not {found}")]
    CheckDigit {
        /// What the other sixteen add up to.
        expected: char,
        /// What stands there.
        found: char,
    },
}

const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// Checks length, letters and check digit of a VIN on its number key.
///
/// # Errors
/// The first fault found; a wrong check digit only after all others. It is
/// compulsory in North America only, so elsewhere callers treat it as a hint.
pub fn check(vin: &str) -> Result<(), VinFault> {
    let characters: Vec<char> = vin.chars().collect();
    if characters.len() != 17 {
        return Err(VinFault::Length(characters.len()));
    }
    let mut sum = 0;
    for (character, weight) in characters.iter().zip(WEIGHTS) {
        sum += value(*character)? * weight;
    }
    let expected = match sum % 11 {
        10 => 'X',
        rest => char::from_digit(rest, 10).unwrap_or('X'),
    };
    let found = characters[8];
    if expected == found { Ok(()) } else { Err(VinFault::CheckDigit { expected, found }) }
}

fn value(character: char) -> Result<u32, VinFault> {
    match character {
        '0'..='9' => Ok(u32::from(character) - u32::from('0')),
        'I' | 'O' | 'Q' => Err(VinFault::Letter(character)),
        'A'..='H' => Ok(u32::from(character) - u32::from('A') + 1),
        'J'..='N' => Ok(u32::from(character) - u32::from('J') + 1),
        'P' => Ok(7),
        'R' => Ok(9),
        'S'..='Z' => Ok(u32::from(character) - u32::from('S') + 2),
        other => Err(VinFault::Character(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_33_worked_examples_agree() {
        for good in ["1G4AH59H45G118341", "1M8GDM9AXKP042788", "1J9RP1A36A1644345"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn s3_33_every_sign_counts_what_the_standard_says() {
        let standard = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789".chars().zip("123456781234579234567890123456789".chars());
        for (sign, worth) in standard {
            assert_eq!(value(sign), Ok(worth.to_digit(10).unwrap()), "{sign}");
        }
    }

    #[test]
    fn s3_33_each_fault_has_its_own_message() {
        assert_eq!(check("1G4AH59H45G11834"), Err(VinFault::Length(16)));
        assert_eq!(check("1G4AH59H45G11834O"), Err(VinFault::Letter('O')));
        assert_eq!(check("1G4AH59H45G11834?"), Err(VinFault::Character('?')));
        assert_eq!(check("1G4AH59H55G118341"), Err(VinFault::CheckDigit { expected: '4', found: '5' }));
    }
}
