//! Working in another shop (S3-1).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::operation::{ChangeSession, ListShops};
use crate::api::page::{Nothing, Page, PageQuery};
use crate::api::place::Shop;
use crate::api::session::{Session, SessionChange};
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, boxed, lines};

/// The shops within reach.
#[derive(Debug, Default)]
pub(in crate::tui) struct ShopPicker {
    shops: Loaded<Page<Shop>>,
    cursor: Cursor,
    sending: Sending,
}

impl Layer for ShopPicker {
    fn places(&self) -> Vec<Place> {
        vec![Place::List, Place::Rows]
    }

    fn title(&self) -> String {
        "Shops".to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.shops.load(Call::of::<ListShops>(&Nothing {}, &PageQuery::default(), &Nothing {}), cx);
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        let shops = self.shops.data().map_or(&[][..], |page| &page.items);
        if self.cursor.command(command, shops.len()) || command.id != "list.open" {
            return;
        }
        if let Some(shop) = shops.get(self.cursor.at) {
            let change = SessionChange { shop: Some(shop.id.to_string()), customer: None };
            self.sending.send(Call::of::<ChangeSession>(&Nothing {}, &Nothing {}, &change), cx);
        }
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if self.shops.take(reply) {
            return;
        }
        match self.sending.take(reply) {
            Some(Ok(body)) => {
                if let Ok(session) = serde_json::from_slice::<Session>(body) {
                    cx.want(Intent::Done);
                    cx.want(Intent::Session(Box::new(session)));
                }
            }
            Some(Err(error)) => cx.say(Tone::Error, error.to_string()),
            None => {}
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let inside = boxed(buffer, area, (50, 14), "Work in another shop", look);
        if self.shops.say_notice(inside, 0, buffer, shared) > 0 {
            return;
        }
        let Some(page) = self.shops.data() else { return };
        let room = usize::from(inside.height);
        let first = self.cursor.first_seen(room);
        let rows = page
            .items
            .iter()
            .enumerate()
            .skip(first)
            .take(room)
            .map(|(at, shop)| Row::new(look, at == self.cursor.at).cell(&shop.code, 8, look.quiet()).cell(&shop.name, 34, Style::new()).done());
        lines(buffer, inside, 0, rows.collect::<Vec<_>>());
    }
}
