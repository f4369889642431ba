//! Somebody at a keyboard, and a terminal that talks in between.

use crossterm::event::{KeyCode, KeyModifiers};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

/// What terminals say, and what they might.
const SAID: [&[u8]; 27] = [
    b"\x1b]11;rgb:ffff/ffff/ffff\x07",
    b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
    b"\x1b]10;rgba:0000/0000/0000/ffff\x1b\\",
    b"\x1b]52;c;bTEyXG4=\x07",
    b"\x1b]lgq\x1b\\",
    b"\x1b]0;\xc3\x9c\xe2\x80\x9cm\xe2\x80\x9d\x07",
    b"\x1bP1+r524742=38\x1b\\",
    b"\x1bP>|XTerm(370)\x1b\\",
    b"\x1bP!|00000000\x1b\\",
    b"\x1bP1$r0 q\x1b\\",
    b"\x1b_Gi=31;OK\x1b\\",
    b"\x1b^m12\x1b\\",
    b"\x1bXm12\x1b\\",
    b"\x1b[?62;c",
    b"\x1b[?64;1;2;6;22c",
    b"\x1b[>41;354;0c",
    b"\x1b[=0c",
    b"\x1b[24;80R",
    b"\x1b[?24;80R",
    b"\x1b[0n",
    b"\x1b[?2026;2$y",
    b"\x1b[8;24;80t",
    b"\x1b[I\x1b[O",
    b"\x1b[<0;10;10M\x1b[<0;10;10m",
    b"\x1b[M !!",
    // The same in eight bits, and as letters.
    b"\x9d11;rgb:ffff/ffff/ffff\x9c\x9b?62;c\x901+r\x9c",
    b"\xc2\x9d11;rgb:ffff/ffff/ffff\xc2\x9c\xc2\x9b?62;c\xc2\x901+r\xc2\x9c",
];

/// What a wrong keyboard would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slip {
    /// It takes an Esc for nothing, and what follows for letters.
    PassesOverEscapes,
    /// It forgets with each piece what the one before began.
    ForgetsThePieceBefore,
    /// It never notices that time went by.
    HasNoClock,
}

/// A keyboard, and the clock over the desk.
struct Desk {
    keyboard: Keyboard,
    now: Instant,
    slip: Option<Slip>,
}

impl Desk {
    fn new() -> Self {
        Self::with(None)
    }

    fn with(slip: Option<Slip>) -> Self {
        Self { keyboard: Keyboard::default(), now: Instant::now(), slip }
    }

    /// What comes of a piece behind which nothing lies, as people write keys.
    fn hears(&mut self, piece: impl AsRef<[u8]>) -> Vec<String> {
        self.hears_of(piece.as_ref(), false)
    }

    fn hears_of(&mut self, piece: &[u8], more: bool) -> Vec<String> {
        let (mut events, mut piece) = (VecDeque::new(), piece.to_vec());
        match self.slip {
            Some(Slip::PassesOverEscapes) => piece.retain(|byte| *byte != ESCAPE),
            Some(Slip::ForgetsThePieceBefore) => self.keyboard = Keyboard::default(),
            Some(Slip::HasNoClock) | None => {}
        }
        self.keyboard.hears(&piece, more, self.now, &mut events);
        events.iter().map(named).collect()
    }

    fn after(&mut self, pause: Duration) -> &mut Self {
        if self.slip != Some(Slip::HasNoClock) {
            self.now += pause;
        }
        self
    }

    /// As long as a person takes for the next key.
    fn later(&mut self) -> &mut Self {
        self.after(Duration::from_millis(80))
    }
}

fn named(event: &Event) -> String {
    match event {
        Event::Key(key) => {
            let code = match key.code {
                KeyCode::Char(letter) => letter.to_string(),
                code => format!("{code:?}"),
            };
            let held = [(KeyModifiers::CONTROL, "Ctrl-"), (KeyModifiers::ALT, "Alt-"), (KeyModifiers::SHIFT, "Shift-")];
            let held: String = held.into_iter().filter(|(held, _)| key.modifiers.contains(*held)).map(|(_, name)| name).collect();
            held + &code
        }
        Event::Paste(text) => format!("pasted {text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_what_it_is_labelled() {
    for (bytes, keys) in [
        ("kÜ漢👍", "k Shift-Ü 漢 👍"),
        ("\r\t\x7f\x08\n", "Enter Tab Backspace Ctrl-h Ctrl-j"),
        ("\x01\x13\x1a\x1c\x1f\0", "Ctrl-a Ctrl-s Ctrl-z Ctrl-4 Ctrl-7 Ctrl- "),
        ("\x1bs\x1bS\x1b\r\x1b\x13\x1bü", "Alt-s Alt-Shift-S Alt-Enter Ctrl-Alt-s Alt-ü"),
        ("\x1b[A\x1bOB\x1b[1;5C\x1b[1;2D\x1b[5D", "Up Down Ctrl-Right Shift-Left Ctrl-Left"),
        ("\x1b[H\x1bOF\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[2~\x1b[3;3~", "Home End Home End PageUp PageDown Insert Alt-Delete"),
        ("\x1bOP\x1bOQ\x1bOR\x1bOS\x1b[[A\x1b[[E\x1b[11~\x1b[15~", "F(1) F(2) F(3) F(4) F(1) F(5) F(1) F(5)"),
        ("\x1b[17~\x1b[20~\x1b[21~\x1b[24~\x1b[1;2P\x1b[20;5~", "F(6) F(9) F(10) F(12) Shift-F(1) Ctrl-F(9)"),
        ("\x1b[Z\x1b[9;2u", "Shift-BackTab Shift-BackTab"),
        ("\x1b[13u\x1b[27u\x1b[127;5u\x1b[115;5u\x1b[97;2u\x1b[57414u\x1b[57399u", "Enter Esc Ctrl-Backspace Ctrl-s Shift-A Enter 0"),
        // One that was let go, and Shift alone.
        ("\x1b[115;5:3u\x1b[57441u", ""),
    ] {
        let mut desk = Desk::new();
        assert_eq!(desk.hears(bytes).join(" "), keys, "{bytes:?}");
        // As well where each byte comes alone, as long as more are there.
        let mut desk = Desk::new();
        let each: Vec<String> = bytes.as_bytes().iter().flat_map(|byte| desk.hears_of(&[*byte], true)).collect();
        assert_eq!(each.join(" "), keys, "{bytes:?}");
    }
}

#[test]
fn what_could_begin_an_answer_is_a_key_where_nothing_follows() {
    for (bytes, key) in [("\x1b", "Esc"), ("\x1b]", "Alt-]"), ("\x1bP", "Alt-Shift-P"), ("\x1b_", "Alt-_"), ("\x1b^", "Alt-^"), ("\x1bX", "Alt-Shift-X")] {
        let mut desk = Desk::new();
        assert_eq!(desk.hears(bytes), [key]);
        assert_eq!(desk.later().hears("g"), ["g"]);
    }
    let mut desk = Desk::new();
    assert_eq!(desk.hears("\x1b\x1b"), ["Esc", "Esc"]);
}

/// What comes where these keys are expected, if it is not they.
fn only(keys: &[&str], heard: Vec<String>, said: &[u8]) -> Result<(), String> {
    if heard == keys { Ok(()) } else { Err(format!("{heard:?} of {}", said.escape_ascii())) }
}

/// A terminal says it alone, and twice between keys that are typed ahead.
fn says_whole(said: &[u8], slip: Option<Slip>) -> Result<(), String> {
    let mut desk = Desk::with(slip);
    only(&[], desk.hears(said), said)?;
    only(&["k"], desk.later().hears("k"), said)?;
    let mut desk = Desk::with(slip);
    only(&["a", "b"], desk.hears([&b"a"[..], said, said, b"b"].concat()), said)
}

/// A terminal says it in two pieces, the first of so many bytes.
fn says_in_two(said: &[u8], at: usize, slip: Option<Slip>) -> Result<(), String> {
    let mut desk = Desk::with(slip);
    only(&[], desk.hears_of(&said[..at], true), said)?;
    only(&[], desk.after(Duration::from_millis(200)).hears(&said[at..]), said)?;
    only(&["k"], desk.later().hears("k"), said)
}

/// A terminal says so many bytes of it, and no more; then somebody presses keys.
fn breaks_off(said: &[u8], at: usize, slip: Option<Slip>) -> Result<(), String> {
    let half = [&b"x"[..], &said[..at]].concat();
    let mut desk = Desk::with(slip);
    desk.hears(&half);
    only(&["k"], desk.later().hears("k"), &half)?;
    only(&["Down"], desk.later().hears("\x1b[B"), &half)
}

#[test]
fn nothing_that_a_terminal_says_is_typed() {
    for said in SAID {
        says_whole(said, None).unwrap();
    }
}

#[test]
fn what_a_terminal_says_may_come_in_pieces() {
    for said in SAID {
        for at in 1..said.len() {
            says_in_two(said, at, None).unwrap();
        }
    }
    // Over a line that takes its time.
    let (said, mut desk) = (SAID[0], Desk::new());
    assert_eq!(desk.hears(&said[..10]), [""; 0]);
    assert_eq!(desk.after(Duration::from_millis(400)).hears(&said[10..]), [""; 0]);
    // With each byte on its own, as soon as it is known for what it is.
    let mut desk = Desk::new();
    assert_eq!(desk.hears(&said[..3]), [""; 0]);
    for byte in &said[3..] {
        assert_eq!(desk.after(Duration::from_millis(20)).hears([*byte]), [""; 0]);
    }
}

#[test]
fn after_half_of_it_and_a_pause_the_next_key_is_one() {
    for said in SAID {
        for at in 2..said.len() {
            breaks_off(said, at, None).unwrap();
        }
    }
}

#[test]
fn a_keyboard_that_takes_answers_for_letters_would_be_found() {
    for said in SAID.into_iter().filter(|said| said.contains(&ESCAPE)) {
        let found = says_whole(said, Some(Slip::PassesOverEscapes)).unwrap_err();
        assert!(!found.starts_with("[]"), "{found}");
    }
}

#[test]
fn a_keyboard_that_forgets_what_a_piece_began_would_be_found() {
    for said in SAID {
        assert!((1..said.len()).any(|at| says_in_two(said, at, Some(Slip::ForgetsThePieceBefore)).is_err()), "{}", said.escape_ascii());
    }
}

#[test]
fn a_keyboard_that_waits_for_the_end_of_an_answer_for_ever_would_be_found() {
    for said in SAID {
        assert!((2..said.len()).any(|at| breaks_off(said, at, Some(Slip::HasNoClock)).is_err()), "{}", said.escape_ascii());
    }
}

#[test]
fn a_flood_of_it_is_as_little() {
    let many = SAID.concat().repeat(1_000_000 / SAID.concat().len());
    let long = [b"\x1b]11;".to_vec(), b"gq".repeat(500_000), b"\x1b\\".to_vec()].concat();
    let digits = [b"\x1b[".to_vec(), b"1;".repeat(500_000), b"R".to_vec()].concat();
    for flood in [many, long, digits] {
        let mut desk = Desk::new();
        for piece in flood.chunks(1_021) {
            // Whoever reads is quicker than whoever floods.
            assert_eq!(desk.after(Duration::from_millis(1)).hears(piece), [""; 0]);
        }
        assert_eq!(desk.later().hears("k"), ["k"]);
    }
}

#[test]
fn a_paste_is_one_text_with_all_that_is_in_it() {
    let mut desk = Desk::new();
    let text = "a\r\n\x1b]11;x\x07\x1b[A漢 b";
    let sent = format!("x\x1b[200~{text}\x1b[201~y");
    let pasted = format!("pasted {text}");
    assert_eq!(desk.hears(&sent), ["x", pasted.as_str(), "y"]);
    // A slow line, and letters cut in two.
    let mut all = Vec::new();
    for byte in sent.as_bytes() {
        let more = *byte == 0x1b;
        all.extend(desk.after(Duration::from_millis(if more { 1 } else { 40 })).hears_of(&[*byte], more));
    }
    assert_eq!(all, ["x", pasted.as_str(), "y"]);
}

#[test]
fn a_paste_without_an_end_is_given_up() {
    let mut desk = Desk::new();
    assert_eq!(desk.hears("\x1b[200~brakes squeal"), [""; 0]);
    assert_eq!(desk.after(Duration::from_secs(2)).hears(" when cold"), [""; 0], "it may be on its way");
    assert_eq!(desk.after(Duration::from_secs(4)).hears("k"), ["pasted brakes squeal when cold", "k"]);
    let mut desk = Desk::new();
    desk.hears("\x1b[200~");
    for _ in 0..15 {
        desk.hears("x".repeat(100_000));
    }
    assert!(desk.keyboard.part.len() <= LONGEST_PASTE, "it does not grow for ever");
    let told = desk.hears("\x1b[201~k");
    assert!(told[0].starts_with("pasted xxx") && told[0].ends_with("xxx") && told[1] == "k");
}

#[test]
fn a_paste_whose_end_was_lost_keeps_no_key_from_a_person() {
    let pause = Duration::from_millis(300);
    let mut desk = Desk::new();
    desk.hears("\x1b[200~brakes squeal");
    assert_eq!(desk.after(pause).hears("\x1b"), [""; 0], "its end may begin like this");
    assert_eq!(desk.after(pause).hears("[201~k"), ["pasted brakes squeal", "k"]);
    desk.hears("\x1b[200~brakes squeal");
    assert_eq!(desk.after(pause).hears("\x1b"), [""; 0]);
    assert_eq!(desk.after(pause).hears("\x1b"), ["pasted brakes squeal\x1b", "Esc"], "it does not begin twice");
    desk.hears("\x1b[200~brakes squeal");
    assert_eq!(desk.after(pause).hears("\x1b[21~"), ["pasted brakes squeal", "F(10)"]);
}

#[test]
fn whatever_comes_the_next_key_after_a_pause_is_one() {
    let mut random = StdRng::seed_from_u64(1);
    let mut desk = Desk::new();
    let sharp = b"\x1b\x1b\x1b[]OP_^X\\?>;:0129~uRcMA\x07\x18\x80\x9b\x9c\x9d\xc2\xe2\xf0\xff m";
    for _ in 0..20_000 {
        let piece: Vec<u8> = (0..random.random_range(0..12))
            .map(|_| if random.random_bool(0.9) { sharp[random.random_range(0..sharp.len())] } else { random.random() })
            .collect();
        desk.after(Duration::from_millis(random.random_range(0..100))).hears_of(&piece, random.random_bool(0.3));
        if random.random_bool(0.1) {
            desk.hears("");
            let told = desk.after(Duration::from_secs(4)).hears("k");
            assert_eq!(told.last().map(String::as_str), Some("k"), "{}", piece.escape_ascii());
        }
    }
}
