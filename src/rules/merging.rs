//! Two people change one record (412): of each field, whose text stands.

/// Whose text of a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// One's own: nobody else changed it, or to the same.
    Mine,
    /// The other's: oneself left it alone.
    Theirs,
    /// Both changed it, each to another: a person decides.
    Contested,
}

/// A field as it was when one began, as one left it, and as the other did.
#[must_use]
pub fn merged<T: PartialEq + ?Sized>(began: &T, mine: &T, theirs: &T) -> Merged {
    if theirs == began || theirs == mine {
        Merged::Mine
    } else if mine == began {
        Merged::Theirs
    } else {
        Merged::Contested
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_and_the_manager_change_one_city() {
        assert_eq!(merged("Tracy", "Tracy", "Tracy"), Merged::Mine);
        assert_eq!(merged("Tracy", "Fresno", "Tracy"), Merged::Mine);
        assert_eq!(merged("Tracy", "Tracy", "Fresno"), Merged::Theirs);
        assert_eq!(merged("Tracy", "Fresno", "Fresno"), Merged::Mine);
        assert_eq!(merged("Tracy", "", "Fresno"), Merged::Contested);
    }

    proptest::proptest! {
        #[test]
        fn what_one_alone_changed_stands_as_he_left_it(began in "[a-c]{0,2}", changed in "[a-c]{0,2}") {
            let (began, changed) = (began.as_str(), changed.as_str());
            proptest::prop_assert_eq!(merged(began, changed, began), Merged::Mine);
            let others = if changed == began { Merged::Mine } else { Merged::Theirs };
            proptest::prop_assert_eq!(merged(began, began, changed), others);
        }

        #[test]
        fn a_person_is_asked_only_where_two_wrote_two_things(began in "[a-c]{0,2}", mine in "[a-c]{0,2}", theirs in "[a-c]{0,2}") {
            let asked = merged(&began, &mine, &theirs) == Merged::Contested;
            proptest::prop_assert_eq!(asked, mine != began && theirs != began && mine != theirs);
        }

        #[test]
        fn it_is_the_same_question_seen_from_either_side(began in "[a-c]{0,2}", mine in "[a-c]{0,2}", theirs in "[a-c]{0,2}") {
            let (here, there) = (merged(&began, &mine, &theirs), merged(&began, &theirs, &mine));
            proptest::prop_assert_eq!(here == Merged::Contested, there == Merged::Contested);
            let stands = |merged: Merged, own: &String, other: &String| if merged == Merged::Theirs { other.clone() } else { own.clone() };
            if here != Merged::Contested {
                proptest::prop_assert_eq!(stands(here, &mine, &theirs), stands(there, &theirs, &mine));
            }
        }
    }
}
