//! The least that a program of this terminal library costs: a box, a table and a
//! line, all out of memory, drawn once for each key and waiting in between. It
//! heeds the keys that a search heeds. Calls nobody.

use anyhow::Result;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};

/// What a program is told that is to be this one.
pub(crate) const ASKED: &str = "--floor";
/// As many of each name as a page of hits has and more.
const OF_EACH: usize = 200;
/// As many hits as a page has.
const PAGE: usize = 50;

/// Customers of these names, until somebody ends it.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    let mut customers: Vec<String> = names.iter().flat_map(|name| (0..OF_EACH).map(move |number| format!("{name} {number}"))).collect();
    customers.sort();
    let (mut typed, mut at) = (String::new(), 0);
    let mut terminal = ratatui::init();
    loop {
        let from = customers.partition_point(|customer| *customer < typed);
        let found: Vec<&str> = customers[from..].iter().take(PAGE).take_while(|customer| customer.starts_with(&typed)).map(String::as_str).collect();
        terminal.draw(|frame| draw(frame, &typed, &found, at))?;
        let Event::Key(key) = event::read()? else { continue };
        match key.code {
            KeyCode::Down => at = (at + 1).min(found.len().saturating_sub(1)),
            KeyCode::Up => at = at.saturating_sub(1),
            KeyCode::F(2) => (typed, at) = (String::new(), 0),
            KeyCode::Char(letter) => {
                typed.push(letter);
                at = 0;
            }
            _ => {}
        }
    }
}

fn draw(frame: &mut Frame<'_>, typed: &str, found: &[&str], at: usize) {
    let [top, middle, bottom] = Layout::vertical([Constraint::Length(3), Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
    frame.render_widget(Paragraph::new(typed).block(Block::bordered().title("Find")), top);
    let room = usize::from(middle.height.saturating_sub(2));
    let first = at / room.max(1) * room;
    let rows = found.iter().enumerate().skip(first).take(room).map(|(place, name)| {
        let row = Row::new([*name, "Sacramento", "CA", "#10442", "(916) 555-0142"]);
        if place == at { row.style(Style::new().reversed()) } else { row }
    });
    let wide = [Constraint::Min(24), Constraint::Length(13), Constraint::Length(3), Constraint::Length(10), Constraint::Length(16)];
    frame.render_widget(Table::new(rows, wide).block(Block::bordered()), middle);
    frame.render_widget(Line::from(format!("{} hits, online", found.len())), bottom);
}
