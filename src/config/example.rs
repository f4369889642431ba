//! The example file, made from the table of settings.

use std::fmt::Write as _;

use super::settings::{Config, SECTIONS, SETTINGS};

const HEAD: &str = "\
# Configuration of countertop: every setting at its default, commented out.
# `countertop config path` says where the file belongs, `countertop config check`
# whether it is right. Environment variables (COUNTERTOP_SERVER,
# COUNTERTOP_DATABASE) and flags win over it. No password and no token belongs
# here: `countertop login` keeps its token elsewhere.
";

const KEYS: &str = "
# Keys of the terminal application: a command with its chord, a list of chords,
# or \"none\". What is not named here keeps its keys; F1 shows the commands.
[keys]
#\"find.customers\" = [\"f2\", \"g c\"]
";

/// `config.example.toml`: every setting explained and commented out at its
/// default.
#[must_use]
pub fn example() -> String {
    let defaults = Config::default();
    let mut text = HEAD.to_owned();
    for (section, about) in SECTIONS {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "\n# {about}\n[{section}]");
        for setting in SETTINGS.iter().filter(|setting| setting.section() == *section) {
            let _ = writeln!(text, "# {}\n#{} = {}", setting.explanation, setting.key(), setting.shown(&defaults));
        }
    }
    text.push_str(KEYS);
    text
}
