//! Every command of the README's working part is run as it stands there.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::terminal::screen::own_folders;

/// The `sh` blocks of the README, one after the other.
fn script() -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 5, "the README lost its commands");
    blocks.concat()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn the_readme_works_from_nothing_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port().to_string();
    let script = script().replace("7420", &port);
    let (before, after) = script.split_once("127.0.0.1:").and_then(|_| script.split_once(" &\n")).unwrap();
    // The reader waits for the server's first line before going on; so do we.
    let waiting =
        format!("{before} > first-line &\nserver=$!\nuntil grep -q listening first-line; do sleep 0.1; done\n{after}\nkill -TERM $server\nwait $server\n");
    let ran = run(folder.path(), &waiting);
    assert!(ran.0, "{}", ran.1);
    for said in ["Keller Bau GmbH", "1042", "12903.5", "SR-"] {
        assert!(ran.1.contains(said), "nothing said {said}:\n{}", ran.1);
    }
    let exported = std::fs::read_to_string(folder.path().join("all-customers.csv")).unwrap();
    assert!(exported.contains("Harbor Crane & Rigging") && exported.contains("Quarry North Ltd"));
    assert!(TcpStream::connect(("127.0.0.1", port.parse().unwrap())).is_err(), "the server still listens");
}

fn run(folder: &Path, script: &str) -> (bool, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_countertop"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = folder.join("output");
    let file = std::fs::File::create(&output).unwrap();
    let mut command = Command::new("sh");
    command.args(["-e", "-c", script]).current_dir(folder).env("PATH", path).stdin(Stdio::null());
    command.env_remove("COUNTERTOP_SERVER").env_remove("COUNTERTOP_TOKEN").env_remove("COUNTERTOP_CONFIG");
    for (name, value) in own_folders(folder) {
        command.env(name, value);
    }
    let mut child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
    let end = Instant::now() + Duration::from_mins(2);
    let fine = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.success();
        }
        if Instant::now() > end {
            child.kill().unwrap();
            break false;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    (fine, std::fs::read_to_string(output).unwrap())
}

#[test]
fn the_example_configuration_is_what_the_program_prints() {
    let printed = Command::new(env!("CARGO_BIN_EXE_countertop")).args(["config", "example"]).output().unwrap();
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml")).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), kept, "run: countertop config example > config.example.toml");
}

#[test]
fn every_setting_of_the_example_is_taken_when_it_is_uncommented() {
    let folder = tempfile::tempdir().unwrap();
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml")).unwrap();
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
    let all: String = example.lines().map(|line| if is_setting(&line) { format!("{}\n", &line[1..]) } else { format!("{line}\n") }).collect();
    assert!(all.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count() > 10);
    let path = folder.path().join("config.toml");
    std::fs::write(&path, all).unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_countertop")).args(["config", "check"]).env("COUNTERTOP_CONFIG", &path).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_place_and_the_right_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[server]\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_countertop")).args(["config", "check"]).env("COUNTERTOP_CONFIG", &path).output().unwrap();
    let told = String::from_utf8(checked.stderr).unwrap();
    assert!(!checked.status.success() && told.contains("config.toml:2:1") && told.contains("server.listen"), "{told}");
}

/// `sessions::x` and `src/server/brake.rs x`, in the rows of the two lists.
fn tests_named(readme: &str) -> Vec<(String, String)> {
    let rows = readme.lines().filter(|line| line.starts_with('|'));
    let spans = rows.flat_map(|line| line.split('`').skip(1).step_by(2));
    let named = spans.filter_map(|span| span.split_once("::").or_else(|| span.split_once(".rs ")));
    named.map(|(file, name)| (file.to_owned(), name.to_owned())).collect()
}

#[test]
fn every_test_that_the_lists_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = tests_named(&std::fs::read_to_string(root.join("README.md")).unwrap());
    assert!(named.len() > 50, "the lists are read: {}", named.len());
    for (file, name) in named {
        let places = [format!("tests/it/stories/{file}.rs"), format!("tests/it/terminal/{file}.rs"), format!("tests/it/{file}.rs"), format!("{file}.rs")];
        let text: String = places.iter().filter_map(|place| std::fs::read_to_string(root.join(place)).ok()).collect();
        assert!(text.contains(&format!("fn {name}(")), "{file} has no test {name}");
    }
}
