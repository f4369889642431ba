//! Holds the picture in `src/lib.rs` against the code: who may use whom, and
//! that nothing outgrows what a reader can hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use countertop::api::problem::Problem;

/// What each part of the house may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("rules", &["text"]),
    ("api", &["rules", "text"]),
    ("config", &["rules", "text"]),
    ("client", &["api", "text"]),
    ("tui", &["client", "api", "rules", "text"]),
    ("store", &["api", "rules", "text"]),
    ("search", &["store", "api", "rules", "text"]),
    ("backup", &["store", "text"]),
    ("server", &["search", "backup", "store", "api", "rules", "config", "text"]),
    ("import", &["store", "api", "rules", "text"]),
    ("demo", &["server", "store", "api", "rules", "text"]),
    ("cli", &["client", "tui", "server", "store", "search", "backup", "import", "demo", "api", "rules", "config", "text"]),
];

/// Crates that belong to one part alone.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "server"]),
    ("axum", &["server"]),
    ("hyper", &["server"]),
    ("reqwest", &["client", "server"]),
    ("keyring_core", &["client"]),
    ("qrcode", &["tui"]),
    ("rustls", &["client", "server"]),
    ("rcgen", &["server"]),
    ("rustix", &["cli", "client", "tui"]),
    ("rusqlite", &["client"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("argon2", &["server"]),
    ("clap", &["cli"]),
];

/// The files of a folder of the package, and of what lies within it.
fn files_in(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_dir() {
                found.push(path);
            } else if !path.ends_with("target") {
                folders.push(path);
            }
        }
    }
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let rust = files_in("src").into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The part of the house a file belongs to.
fn part(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Code without comments and without its test module.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let part = part(&path);
        let Some(may_use) = allowed.get(part.as_str()) else {
            assert!(matches!(part.as_str(), "lib" | "main"), "{part} is in no row of MAY_USE: say whom it may use");
            continue;
        };
        let code = code(&text);
        for (used, _) in MAY_USE {
            let uses = [format!("crate::{used}::"), format!("crate::{used};"), format!("crate::{used} ")];
            if *used != part && !may_use.contains(used) && uses.iter().any(|uses| code.contains(uses)) {
                broken.push(format!("{} uses {used}", path.display()));
            }
        }
        for (foreign, parts) in ONLY_IN {
            if !parts.contains(&part.as_str()) && code.contains(&format!("{foreign}::")) {
                broken.push(format!("{} uses {foreign}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn only_the_event_loop_of_the_terminal_waits() {
    let waiting: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| part(path) == "tui" && !path.ends_with("event_loop.rs") && (code(text).contains(".await") || code(text).contains("tokio::")))
        .map(|(path, _)| path)
        .collect();
    assert!(waiting.is_empty(), "{waiting:#?}");
}

#[test]
fn sql_stands_in_the_store() {
    let verbs = ["\"SELECT ", "\"INSERT INTO", "\"UPDATE ", "\"DELETE FROM"];
    let elsewhere: Vec<_> = sources()
        .into_iter()
        // What lies on a desk's own machine has a store of its own.
        .filter(|(path, _)| part(path) != "store" && !path.ends_with("client/outbox/store.rs"))
        .filter(|(_, text)| verbs.iter().any(|verb| code(text).contains(verb)))
        .map(|(path, _)| path)
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[test]
fn every_problem_has_a_title_in_words() {
    let mut bare = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        let named = code.split("Problem::new(\"").skip(1).filter_map(|rest| rest.split('"').next());
        bare.extend(named.filter(|name| Problem::new(name, "").title == *name).map(|name| (path.clone(), name.to_owned())));
    }
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn colours_and_drawn_signs_are_named_in_one_file() {
    let elsewhere: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| part(path) == "tui" && !path.ends_with("style.rs") && code(text).contains("Color::"))
        .map(|(path, _)| path)
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[test]
fn no_file_outgrows_its_reader() {
    let long: Vec<_> = sources().into_iter().filter(|(_, text)| text.lines().count() > 600).map(|(path, text)| (path, text.lines().count())).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn no_file_holds_both_sides_of_a_merge() {
    let at_the_top = ["README.md", "Cargo.toml", "config.example.toml", "deny.toml"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let all = at_the_top.into_iter().chain(["src", "tests", "assets"].into_iter().flat_map(files_in));
    let torn: Vec<_> = all
        .filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text)))
        .filter(|(_, text)| text.lines().any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")))
        .map(|(path, _)| path)
        .collect();
    assert!(torn.is_empty(), "{torn:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn no_enum_has_more_than_25_variants() {
    let mut large = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        for block in code.split("\npub enum ").chain(code.split("\nenum ")).skip(1) {
            let Some((name, rest)) = block.split_once('{') else { continue };
            let body = rest.split("\n}").next().unwrap_or_default();
            let variants =
                body.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ") && line.trim_start().starts_with(char::is_uppercase)).count();
            if variants > 25 && !name.contains('\n') {
                large.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(large.is_empty(), "{large:#?}");
}
