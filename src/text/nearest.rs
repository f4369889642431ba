//! What was meant by a misspelt name.

/// The name nearest to a misspelt one, if any is near enough to be meant: it
/// begins with what was written, contains it, or differs in a third of its
/// letters at most.
#[must_use]
pub fn nearest<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let written = written.trim().to_lowercase();
    names.into_iter().filter_map(|name| Some((distance(&written, name)?, name))).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn distance(written: &str, name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let length = written.chars().count();
    if length >= 3 && name.starts_with(written) {
        return Some(0);
    }
    if length >= 4 && name.contains(written) {
        return Some(1);
    }
    let edits = strsim::damerau_levenshtein(written, &name);
    (edits <= (name.chars().count() / 3).max(1)).then_some(edits)
}

/// The end of a sentence about a wrong name.
#[must_use]
pub fn did_you_mean(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_meant_and_what_is_far_is_not() {
        let roles = ["administrator", "counter_staff", "service_manager"];
        assert_eq!(nearest("admin", roles), Some("administrator"));
        assert_eq!(nearest("compnay", ["Company"]), Some("Company"));
        assert_eq!(nearest("manager", roles), Some("service_manager"));
        assert_eq!(nearest("Counter_Staf", roles), Some("counter_staff"));
        assert_eq!(nearest("pilot", roles), None);
        assert_eq!(nearest("", roles), None);
    }
}
