//! What somebody is told by letter of his own account, and who is not.

use countertop::store::{At, password_links, users};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{MailServer, token_hash};

on_both_databases! {
    async fn another_password_is_told_by_letter_and_not_what_it_is(w: World) {
        let post = MailServer::start().await;
        let mailing = w.beside(post.arrangements()).await;
        let own = json!({ "current": "demo", "new": "four words of mine" });
        assert_eq!(mailing.sign_in("counter").await.put("/v1/session/password", own, None).await.0, 200);
        let changed = post.wait_for(1).await.remove(0);
        assert!(changed.to == ["counter@dealer.example"], "{:?}", changed.to);
        assert_eq!(changed.header("subject").as_deref(), Some("Your password for the counter was changed"));
        for said in ["User name: counter\n", "From: 127.0.0.1\n", "tell your\ndealer at once"] {
            assert!(changed.text().contains(said), "{said} in {}", changed.text());
        }
        assert!(!changed.text().contains("four words"), "{}", changed.text());
        // Somebody in charge gives another: it is read out, and does not stand in the letter.
        let mut conn = w.app.db.read().await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap().id;
        drop(conn);
        let (status, given) = mailing.sign_in("admin").await.post(&format!("/v1/users/{counter}/password"), json!({})).await;
        assert_eq!(status, 201, "{given}");
        let letter = post.wait_for(2).await.remove(1);
        assert!(letter.text().contains("another password") && !letter.text().contains("From:"), "{}", letter.text());
        assert!(!letter.text().contains(given["password"].as_str().unwrap()), "{}", letter.text());
        // A mailed link sets one.
        let mut conn = w.app.db.write().await.unwrap();
        password_links::add(&mut conn, counter, &token_hash("code"), At(Timestamp::now() + SignedDuration::from_hours(1))).await.unwrap();
        conn.commit().await.unwrap();
        let set = json!({ "code": "code", "new": "words of my own" });
        assert_eq!(mailing.stranger().post("/v1/password-links", set).await.0, 200);
        let letter = post.wait_for(3).await.remove(2);
        assert!(letter.text().contains("with the link that was\nmailed to you") && !letter.text().contains("words of"), "{}", letter.text());
    }

    async fn another_address_is_told_at_the_one_that_it_was_and_not_in_full(w: World) {
        let post = MailServer::start().await;
        let mailing = w.beside(post.arrangements()).await;
        let (manager, admin) = (mailing.sign_in("manager").await, mailing.sign_in("admin").await);
        let ada = json!({ "last": "Brandt", "access_level": "full", "username": "ada", "email": "ada@kellerbau.example" });
        let (status, made) = manager.post(&format!("/v1/customers/{}/contacts", w.ids.keller), ada).await;
        assert_eq!(status, 201, "{made}");
        let path = format!("/v1/contacts/{}", made["id"].as_str().unwrap());
        let moved = json!({ "email": "somebody.else@thief.example", "phone": "(254) 555-0142" });
        assert_eq!(manager.patch(&path, moved, None).await.0, 200);
        let letter = post.wait_for(1).await.remove(0);
        assert!(letter.to == ["ada@kellerbau.example"], "{:?}", letter.to);
        assert_eq!(letter.header("subject").as_deref(), Some("Your address for the counter was changed"));
        for said in ["User name: ada\n", "New address: s…@thief.example\n", "tell your\ndealer at once"] {
            assert!(letter.text().contains(said), "{said} in {}", letter.text());
        }
        assert!(!letter.text().contains("somebody.else"), "{}", letter.text());
        // One who is no contact, and an address that is taken away.
        let mut conn = w.app.db.read().await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap().id;
        drop(conn);
        assert_eq!(admin.patch(&format!("/v1/users/{counter}"), json!({ "email": "" }), None).await.0, 200);
        let letter = post.wait_for(2).await.remove(1);
        assert!(letter.to == ["counter@dealer.example"] && letter.text().contains("New address: none\n"), "{:?} {}", letter.to, letter.text());
        // What is no change is no news, nor is an address where none was, or that of somebody without an account.
        assert_eq!(manager.patch(&path, json!({ "email": "somebody.else@thief.example", "job_title": "Foreman" }), None).await.0, 200);
        assert_eq!(admin.patch(&format!("/v1/users/{counter}"), json!({ "email": "jo@dealer.example" }), None).await.0, 200);
        let nobody = json!({ "last": "Vogel", "email": "vogel@kellerbau.example" });
        let (_, made) = manager.post(&format!("/v1/customers/{}/contacts", w.ids.keller), nobody).await;
        let nobody = format!("/v1/contacts/{}", made["id"].as_str().unwrap());
        assert_eq!(manager.patch(&nobody, json!({ "email": "anke@kellerbau.example" }), None).await.0, 200);
        // The next one comes behind whatever would have been told.
        assert_eq!(manager.patch(&path, json!({ "email": "ada@kellerbau.example" }), None).await.0, 200);
        let all: Vec<Vec<String>> = post.wait_for(3).await.into_iter().map(|letter| letter.to).collect();
        assert_eq!(all[2], ["somebody.else@thief.example"], "{all:?}");
    }

    async fn a_sign_in_from_a_new_place_is_told_and_one_from_a_known_place_is_not(w: World) {
        let post = MailServer::start().await;
        let mailing = w.beside(post.arrangements()).await;
        let sign_in = async |username: &str, from: &str| {
            let body = json!({ "username": username, "password": "demo" }).to_string().into_bytes();
            let answer = mailing.stranger().send("POST", "/v1/sessions", &[("x-forwarded-for", from)], Some(body)).await;
            assert_eq!(answer.status, 201, "{username} from {from}: {}", answer.text);
        };
        // The first is no news, and a workshop terminal reads no letters.
        for (username, from) in [("counter", "203.0.113.9"), ("kiosk", "203.0.113.9"), ("kiosk", "198.51.100.7")] {
            sign_in(username, from).await;
        }
        for from in ["203.0.113.9", "198.51.100.7", "203.0.113.9", "198.51.100.7", "2001:db8::1", "2001:db8::2", "192.0.2.44"] {
            sign_in("counter", from).await;
        }
        let letters = post.wait_for(3).await;
        let from = |text: String| text.lines().find_map(|line| line.strip_prefix("From: ").map(str::to_owned)).unwrap_or_default();
        let mut told: Vec<String> = letters.iter().map(|letter| from(letter.text())).collect();
        told.sort();
        assert_eq!(told, ["192.0.2.44", "198.51.100.7", "2001:db8::1"], "in an address of version 6 somebody is his network");
        assert!(letters.iter().all(|letter| letter.to == ["counter@dealer.example"]), "{letters:?}");
    }

    async fn a_letter_that_is_not_taken_stops_nobody(w: World) {
        let post = MailServer::refusing().await;
        let mailing = w.beside(post.arrangements()).await;
        let counter = mailing.sign_in("counter").await;
        let own = json!({ "current": "demo", "new": "four words of mine" });
        let (status, session) = counter.put("/v1/session/password", own, None).await;
        assert_eq!((status, &session["must_change_password"]), (200, &Value::Bool(false)));
        assert!(post.mails().is_empty());
    }
}
