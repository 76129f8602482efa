//! # The examples of the framework, from outside
//!
//! Each is a program that people start from; so each is started here, and used as they would.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use people::{Browser, Example, hear};

mod people;

#[test]
fn websocket_view_answers_a_page_and_its_websocket() {
    let example = Example::start("websocket_view");
    let mut browser = example.browser();
    let page = browser.get("/").expect(200);
    assert!(page.text().contains("A view that talks"));
    assert_eq!(page.field("content-type"), Some("text/html; charset=utf-8"));
    let mut socket = browser.socket("/").unwrap();
    for text in ["one", "two", "<b>"] {
        socket.write(text).unwrap();
        assert_eq!(socket.read().unwrap().unwrap().text(), Some(text));
    }
    let refused = browser.get("/only").expect(400);
    assert!(refused.text().contains("WebSocket"), "{}", refused.text());
    let mut only = browser.socket("/only").unwrap();
    only.write("x").unwrap();
    let counted = only.read().unwrap().unwrap();
    assert_eq!(counted.text(), Some("1 arrived now, 4 in all"));
    drop((socket, only));
    assert!(example.terminate().success());
}

#[test]
fn rooms_have_a_page_and_talk_among_themselves() {
    let example = Example::start("rooms");
    let mut browser = example.browser();
    let first = browser.get("/").expect(303);
    assert_eq!(first.field("location"), Some("/room/kitchen"));
    assert!(
        browser
            .get("/room/kitchen")
            .expect(200)
            .text()
            .contains("id=\"heard\"")
    );
    let open = |room: &str| browser.socket(&format!("/talk/{room}")).unwrap();
    let (mut ann, mut bo, mut elsewhere) = (open("kitchen"), open("kitchen"), open("garden"));
    elsewhere.write("in the garden").unwrap();
    assert_eq!(
        elsewhere.read().unwrap().unwrap().text(),
        Some("in the garden")
    );
    bo.write("ready").unwrap();
    assert_eq!(bo.read().unwrap().unwrap().text(), Some("ready"));
    ann.write("<b>tea</b>").unwrap();
    assert_eq!(bo.read().unwrap().unwrap().text(), Some("<b>tea</b>"));
    drop((ann, bo, elsewhere));
    assert!(example.terminate().success());
}

#[test]
fn embed_takes_its_page_down_and_puts_it_up_again() {
    let mut example = Example::start("embed");
    let address = example.address;
    let mut viewer = example.browser().socket("/live").unwrap();
    let celsius = |value: &serde_json::Value| value["celsius"].as_f64().unwrap();
    let first = celsius(&hear(&mut viewer));
    while celsius(&hear(&mut viewer)) <= first {}
    assert!(
        example
            .browser()
            .get("/")
            .expect(200)
            .text()
            .contains("The kettle")
    );
    example.type_line("stop");
    while let Ok(Some(_)) = viewer.read() {}
    assert_eq!(viewer.closed().unwrap().0, Some(1001), "it said goodbye");
    assert_eq!(example.line(), "the page is down");
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "nobody listens"
    );
    example.type_line("status");
    assert!(
        example.line().starts_with("the kettle has "),
        "it goes on meanwhile"
    );
    example.type_line("start");
    assert_eq!(example.line(), "the page is up");
    let mut viewer = Browser::at(address).socket("/live").unwrap();
    assert!(celsius(&hear(&mut viewer)) >= first);
    assert!(example.terminate().success());
}
