//! Pictures of the screens, and those in the README kept fresh.

use super::screen::Terminal;

/// A screen as a picture that is the same every day: dates and delays masked
/// by as many signs.
pub(crate) fn picture(screen: &str) -> String {
    let lines: Vec<String> = screen.lines().map(|line| masked(line).trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn masked(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut masked: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        let next = words.get(at + 1).copied().unwrap_or_default();
        let day = (1..=2).contains(&word.len()) && word.chars().all(|c| c.is_ascii_digit());
        let month = next.trim_end_matches([',', ';']);
        if day && MONTHS.contains(&month) {
            at += 2;
            // Year and time, where they stand, belong to the date.
            while let Some(more) = words.get(at).filter(|more| is_year_or_time(more) || more.is_empty() && words.get(at + 1).is_some_and(|next| is_year_or_time(next))) {
                at += 1;
                if !more.is_empty() && words.get(at).is_some_and(|next| next.is_empty()) {
                    break;
                }
            }
            masked.push(format!("DATE{}", &next[month.len()..]));
            // Columns behind a date move with its length: one gap is enough.
            while words.get(at).is_some_and(|word| word.is_empty()) {
                at += 1;
            }
            continue;
        }
        if word.chars().all(|c| c.is_ascii_digit()) && !word.is_empty() && next == "ms" {
            masked.push("N".to_owned());
        } else if word.starts_with("SR-") {
            masked.push(format!("SR-YY-{}", word.rsplit('-').next().unwrap_or_default()));
        } else {
            masked.push(word.to_owned());
        }
        at += 1;
    }
    let line = masked.join(" ");
    // The state of the line stands at the right edge and moves with its delay.
    match line.split_once("● online") {
        Some((left, right)) => format!("{} ● online{right}", left.trim_end()),
        None => line,
    }
}

fn is_year_or_time(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    word.len() == 4 && digits == 4 && word.starts_with("20") || word.len() == 5 && digits == 4 && word.contains(':')
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
