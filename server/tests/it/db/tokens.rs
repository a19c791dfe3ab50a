//! Tokens and leases.

use vsekai_server::db::Page;

use super::samples::*;
use crate::databases::Fixture;

super::on_every_database! {
    a_token_comes_back_as_it_was,
    the_first_token_is_added_once,
    two_valid_tokens_have_no_name_in_common,
    of_tokens_that_are_made_at_once_one_gets_the_name,
    a_token_is_taken_back_once,
    a_use_is_noted_to_the_hour,
    a_lease_is_held_by_one_until_it_ends,
    a_lease_of_a_wrong_clock_is_nobodys,
    the_clock_of_the_database_is_that_of_this_machine,
}

async fn a_token_comes_back_as_it_was(f: Fixture) {
    let mut tokens: Vec<_> = ["ci", "admin", "ops"].into_iter().map(token).collect();
    tokens[1].expires_at = None;
    for token in &tokens {
        f.db.put_token(token, None).await.unwrap();
        f.db.put_token(token, None).await.unwrap();
    }
    assert_eq!(f.db.tokens(&Page { after: None, limit: 2 }).await.unwrap(), tokens[..2]);
    assert_eq!(f.db.tokens(&Page { after: Some(tokens[1].id), limit: 2 }).await.unwrap(), tokens[2..]);
    assert_eq!(f.db.token(tokens[1].id).await.unwrap().as_ref(), Some(&tokens[1]));
}

async fn the_first_token_is_added_once(f: Fixture) {
    let first = token("first");
    assert!(f.db.put_first_token(&first).await.unwrap());
    // Again, as after a lost answer.
    assert!(f.db.put_first_token(&first).await.unwrap());
    assert!(!f.db.put_first_token(&token("second")).await.unwrap());
    assert_eq!(f.db.tokens(&Page { after: None, limit: 9 }).await.unwrap(), [first]);
}

async fn two_valid_tokens_have_no_name_in_common(f: Fixture) {
    let first = token("ci");
    f.db.put_token(&first, None).await.unwrap();
    let second = token("ci");
    let refused = f.db.put_token(&second, Some(&audit("token.create"))).await.unwrap_err();
    assert!(refused.code() == "token_exists" && refused.to_string().contains(&first.id.to_string()), "{refused}");
    assert_eq!(f.db.token(second.id).await.unwrap(), None);
    assert!(f.db.audit(&Page { after: None, limit: 9 }).await.unwrap().is_empty());
    f.db.revoke_token(first.id, later(1), None).await.unwrap();
    f.db.put_token(&second, None).await.unwrap();
    // It is valid for 1000 seconds.
    let mut third = token("ci");
    third.created_at = later(999);
    assert_eq!(f.db.put_token(&third, None).await.unwrap_err().code(), "token_exists");
    third.created_at = later(1001);
    third.expires_at = None;
    f.db.put_token(&third, None).await.unwrap();
    let mut fourth = token("ci");
    fourth.created_at = later(100_000);
    assert_eq!(f.db.put_token(&fourth, None).await.unwrap_err().code(), "token_exists", "that one never ends");
}

async fn of_tokens_that_are_made_at_once_one_gets_the_name(f: Fixture) {
    let tokens: Vec<_> = (0..12).map(|_| token("ci")).collect();
    let made = futures_util::future::join_all(tokens.iter().map(|token| f.db.put_token(token, None))).await;
    assert_eq!(made.iter().filter(|one| one.is_ok()).count(), 1, "{made:?}");
    for refused in made.iter().filter_map(|one| one.as_ref().err()) {
        assert_eq!(refused.code(), "token_exists");
    }
    assert_eq!(f.db.tokens(&Page { after: None, limit: 20 }).await.unwrap().len(), 1);
}

async fn a_token_is_taken_back_once(f: Fixture) {
    let token = token("ci");
    assert!(!f.db.revoke_token(token.id, later(1), None).await.unwrap());
    f.db.put_token(&token, None).await.unwrap();
    assert!(f.db.revoke_token(token.id, later(1), None).await.unwrap());
    assert!(f.db.revoke_token(token.id, later(2), None).await.unwrap());
    assert_eq!(f.db.token(token.id).await.unwrap().unwrap().revoked_at, Some(later(1)));
}

async fn a_use_is_noted_to_the_hour(f: Fixture) {
    let token = token("ci");
    f.db.put_token(&token, None).await.unwrap();
    let mut noted = Vec::new();
    for seconds in [1, 60, 3700, 60] {
        f.db.touch_token(token.id, later(seconds)).await.unwrap();
        noted.push(f.db.token(token.id).await.unwrap().unwrap().last_used_at.unwrap());
    }
    assert_eq!(noted[0], noted[1]);
    assert_eq!(noted[2], noted[0].plus_seconds(3600));
    assert_eq!(noted[3], noted[2]);
    assert!(noted[0] <= later(1) && noted[0] > later(1 - 3600));
    f.db.touch_token(uuid::Uuid::new_v4(), NOW).await.unwrap();
}

async fn a_lease_is_held_by_one_until_it_ends(f: Fixture) {
    assert!(f.db.lease("cleanup", "a", 60).await.unwrap());
    assert!(!f.db.lease("cleanup", "b", 60).await.unwrap());
    assert!(f.db.lease("probing", "b", 60).await.unwrap());
    assert!(f.db.lease("cleanup", "a", 1).await.unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(f.db.lease("cleanup", "b", 60).await.unwrap());
    assert!(!f.db.lease("cleanup", "a", 60).await.unwrap());
    assert!(f.db.lease("cleanup", "b", 0).await.unwrap(), "given back");
    assert!(f.db.lease("cleanup", "a", 60).await.unwrap());
}

async fn a_lease_of_a_wrong_clock_is_nobodys(f: Fixture) {
    f.db.lease("cleanup", "ahead", 60).await.unwrap();
    // As older servers stored it, whose own clock counted: nine days ahead.
    super::migrations::change(&f, "UPDATE leases SET expires_at = expires_at + 777600000000").await;
    assert!(f.db.lease("cleanup", "right", 60).await.unwrap());
}

async fn the_clock_of_the_database_is_that_of_this_machine(f: Fixture) {
    let before = vsekai_server::model::Time::now();
    let found = f.db.clock().await.unwrap();
    assert!((found.0 - before.0).abs() < 5_000_000, "{found} {before}");
}
