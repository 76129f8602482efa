//! # Accounts: signing up, signing in, signing out

use serde_json::json;

use crate::support::{PASSWORD, Parlour};

#[test]
fn whoever_signs_up_is_signed_in() {
    let parlour = Parlour::start();
    let made = parlour.nobody().post(
        "/users",
        json!({"name": "Ana", "password": PASSWORD, "email": "Ana@Example.org", "more": 1}),
    );
    let made = made.expect(201);
    assert_eq!(made["user"]["name"], "ana");
    assert_eq!(made["user"]["display_name"], "Ana");
    assert_eq!(made["user"]["email"], "ana@example.org");
    assert_eq!(made["user"]["role"], "admin", "the first one");
    let ana = parlour.with_token("ana", made["token"].as_str().unwrap());
    let me = ana.get("/me").expect(200);
    assert_eq!(me["user"], made["user"]);
    assert_eq!(me["token"]["id"], made["id"]);
    assert_eq!(ana.line().hello["user"]["name"], "ana");
    let bo = parlour.sign_up("bo");
    assert_eq!(bo.get("/me").expect(200)["user"]["role"], "member");
}
