//! A mark for each of some customers: how long lists are joined and cut
//! without looking at a single record.
//!
//! Calls nobody.

/// Marked customers.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    bits: Vec<u64>,
}

impl Marks {
    /// None of so many.
    pub(super) fn none(customers: u32) -> Self {
        Self { bits: vec![0; (customers as usize).div_ceil(64)] }
    }

    /// Marks some.
    pub(super) fn mark(&mut self, customers: impl Iterator<Item = u32>) {
        for customer in customers {
            self.bits[customer as usize / 64] |= 1 << (customer % 64);
        }
    }

    /// How many are marked.
    pub(super) fn count(&self) -> u64 {
        self.bits.iter().map(|bits| u64::from(bits.count_ones())).sum()
    }

    /// Keeps only what is marked there too.
    pub(super) fn keep(&mut self, others: &Self) {
        for (bits, other) in self.bits.iter_mut().zip(&others.bits) {
            *bits &= other;
        }
    }

    /// Takes away what is marked there.
    pub(super) fn take_away(&mut self, others: &Self) {
        for (bits, other) in self.bits.iter_mut().zip(&others.bits) {
            *bits &= !other;
        }
    }

    /// The marked, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..).step_by(64).zip(&self.bits).flat_map(|(first, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let next = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(first + next)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_kept_and_taken_away() {
        let mut some = Marks::none(200);
        some.mark([0, 63, 64, 199].into_iter());
        assert_eq!(some.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert_eq!(some.count(), 4);
        let mut others = Marks::none(200);
        others.mark([63, 64, 65].into_iter());
        let mut both = some.clone();
        both.keep(&others);
        assert_eq!(both.iter().collect::<Vec<_>>(), [63, 64]);
        some.take_away(&both);
        assert_eq!(some.iter().collect::<Vec<_>>(), [0, 199]);
    }
}
