//! Pictures of the screens, and those in the README kept fresh.

use super::screen::Terminal;

/// A screen as a picture that is the same every day.
pub(crate) fn picture(screen: &str) -> String {
    let lines: Vec<String> = screen.lines().map(|line| masked(line).trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Dates and delays in the line as signs of fixed width; what stands in columns
/// behind or before them keeps its place.
fn masked(line: &str) -> String {
    let line = steady_link(line);
    let letters: Vec<char> = line.chars().collect();
    let mut masked: Vec<char> = Vec::with_capacity(letters.len());
    let mut at = 0;
    while at < letters.len() {
        let begins = at == 0 || !letters[at - 1].is_alphanumeric();
        let Some((length, sign)) = begins.then(|| date_at(&letters[at..])).flatten() else {
            masked.push(letters[at]);
            at += 1;
            continue;
        };
        at += length;
        let gap = letters[at..].iter().take_while(|letter| **letter == ' ').count();
        if at + gap == letters.len() {
            // At the right edge: what moves is the gap before.
            let before = masked.iter().rev().take_while(|letter| **letter == ' ').count();
            masked.truncate(masked.len() - before);
            masked.extend(vec![' '; (before + length).saturating_sub(sign.len()).max(2)]);
            masked.extend(sign.chars());
        } else {
            masked.extend(sign.chars());
            if gap > 1 {
                masked.extend(vec![' '; (length + gap).saturating_sub(sign.len()).max(1)]);
                at += gap;
            }
        }
    }
    masked.into_iter().collect::<String>()
}

/// A date at the start of the letters: how long it is, and its sign.
fn date_at(letters: &[char]) -> Option<(usize, &'static str)> {
    let text: String = letters.iter().take(20).collect();
    let day = text.chars().take_while(char::is_ascii_digit).count();
    let rest = text.get(day..).filter(|_| (1..=2).contains(&day))?.strip_prefix(' ')?;
    MONTHS.iter().find(|month| rest.starts_with(**month))?;
    let mut length = day + 4;
    let mut sign = "DD Mon";
    let more = |length: usize| text.get(length..).unwrap_or_default().to_owned();
    if more(length).starts_with(" 20") && more(length).get(3..5).is_some_and(|year| year.chars().all(|c| c.is_ascii_digit())) {
        length += 5;
    }
    if more(length).starts_with('…') {
        length += 1;
        sign = "DD Mon HH:MM";
    } else if more(length).get(3..4) == Some(":") {
        length += 6;
        sign = "DD Mon HH:MM";
    }
    Some((length, sign))
}

/// The state of the line stands at the right edge.
fn steady_link(line: &str) -> String {
    // A busy machine is slow; that is no part of what the pictures are of.
    let Some((left, _)) = line.split_once("● online").or_else(|| line.split_once("◐ slow")) else { return line.to_owned() };
    let link = "● online";
    let room = line.trim_end().chars().count().saturating_sub(link.chars().count());
    format!("{:<room$}{link}", left.trim_end())
}

/// The pictures of the README: name and screen.
fn readme_pictures() -> Vec<(&'static str, String)> {
    let mut counter = Terminal::signed_in("manager");
    counter.press("keller").until("Keller Bau GmbH");
    let find = picture(&counter.settle());
    counter.press("<F3>gx4 711<Enter>").until("2 organizations");
    counter.press("1").until("1 Identification");
    counter.settle();
    counter.press("2").until("Engine hours");
    let asset = picture(&counter.settle());
    vec![("find", find), ("asset", asset)]
}

#[test]
fn the_readme_shows_the_screens_as_they_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let mut fresh = readme.clone();
    for (name, picture) in readme_pictures() {
        let (begin, end) = (format!("<!-- screen: {name} -->\n"), format!("<!-- end of screen: {name} -->"));
        let (before, rest) = fresh.split_once(&begin).unwrap_or_else(|| panic!("the README has no place for {name}"));
        let (_, after) = rest.split_once(&end).unwrap();
        fresh = format!("{before}{begin}```text\n{picture}\n```\n{end}{after}");
    }
    if fresh != readme {
        if std::env::var_os("CI").is_none() {
            std::fs::write(path, &fresh).unwrap();
        }
        panic!("the README's screens were stale; outside CI they are renewed by this run: look at them and commit");
    }
}

#[test]
fn find_shows_what_matched_and_says_what_did_not() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("ke").until("2 of 3 characters: keep typing");
    counter.press("zzz").until("No customer matches \"kezzz\" in name, city, state or number.");
    counter.until("new customer \"kezzz\"");
}

#[test]
fn s3_5_two_letters_under_state_mean_the_state() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F2><Tab><Tab><Tab>").until("[State]");
    counter.press("tx").until_all(&["Customers", "Waco"]);
}

#[test]
fn at_120_columns_the_hit_is_shown_beside_the_list() {
    let mut counter = Terminal::open("counter", 120, 40, &[]);
    counter.press("keller").until_all(&["Found in name", "Number 10442"]);
}

#[test]
fn help_and_hints_name_the_same_keys() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1051<Enter>").until("m add reading");
    counter.press("?").until_all(&["Help: 1051", "add reading", "request service"]);
}
