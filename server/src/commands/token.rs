//! `vsekai-server token …`: makes, lists and revokes tokens.

use serde_json::json;
use uuid::Uuid;
use vsekai_server::auth::{NewToken, Scope};
use vsekai_server::db::{Db, ModeFilter, Page};
use vsekai_server::error::{Error, Result};
use vsekai_server::model::{Time, Token};
use vsekai_updater::text;

use super::{entry, note, print, print_json};
use crate::TokenCommand;

/// Tokens read per query.
const PAGE: u32 = 100;

pub(super) async fn run(command: TokenCommand, db: &dyn Db) -> Result<()> {
    match command {
        TokenCommand::Create { name, scopes, days, json } => {
            let expires_at = days.map(|days| Time::now().plus_seconds(i64::from(days) * 86_400));
            let made = NewToken::make(&name, &scopes, expires_at)?;
            let detail = json!({"name": made.row.name, "scopes": made.row.scopes});
            let entry = entry("token.create", made.row.id.to_string(), &detail);
            if let Err(error) = db.put_token(&made.row, Some(&entry)).await {
                return Err(why_not(db, error, &name).await);
            }
            if json {
                let mut shown = as_json(&made.row);
                shown["token"] = made.text.into();
                print_json(&shown);
            } else {
                print(&format!("{}\n", made.text));
            }
            warn_of_unknown_modes(db, &scopes).await?;
            note("This token is shown only once. Pass it to `vsekai publish` with --token-file or VSEKAI_TOKEN.");
            note(&end_of(&made.row));
        }
        TokenCommand::List { json } => {
            let tokens = all(db).await?;
            if json {
                print_json(&json!({"tokens": tokens.iter().map(as_json).collect::<Vec<_>>()}));
            } else {
                list(&tokens);
            }
        }
        TokenCommand::Revoke { token } => revoke(db, &token).await?,
    }
    Ok(())
}

/// Why a token was not made, with what to type.
async fn why_not(db: &dyn Db, error: Error, name: &str) -> Error {
    let now = Time::now();
    let is_taken = matches!(error, Error::Conflict { code: "token_exists", .. });
    let Ok(all) = all(db).await else { return error };
    match all.iter().find(|token| is_taken && token.name == name && is_valid(token, now)) {
        Some(taken) => {
            let reason = format!("a token is named {name:?} already: {}, {}, {}", taken.id, taken.scopes, state(taken));
            let hint = format!(
                "Choose another name, such as one with the year; or end that token with `vsekai-server token revoke {}`, and \
                 run this again",
                taken.id
            );
            Error::command("token_exists", reason, hint)
        }
        None => error,
    }
}

fn is_valid(token: &Token, now: Time) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > now)
}

/// Until when a new token is valid, and what ends it before.
fn end_of(token: &Token) -> String {
    let revoke = format!("`vsekai-server token revoke {}`", token.id);
    match token.expires_at {
        Some(end) => format!("It is valid until {}; {revoke} ends it before.", end.day()),
        None => format!("It never expires: only {revoke} ends it. With --days N, a token ends by itself."),
    }
}

/// A mistyped mode would only be noticed when somebody publishes.
async fn warn_of_unknown_modes(db: &dyn Db, scopes: &[Scope]) -> Result<()> {
    let named = scopes.iter().filter_map(|scope| if let Scope::Publish(mode) = scope { Some(mode) } else { None });
    let page = Page { after: None, limit: PAGE };
    let known = db.modes(&ModeFilter::default(), &page).await?;
    let known: Vec<&str> = known.iter().map(|mode| mode.name.as_str()).collect();
    for mode in named.filter(|mode| !known.contains(&mode.as_str())) {
        let meant = text::closest(mode.as_str(), &known);
        let meant = meant.map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
        note(&format!(
            "warning: there is no mode {:?} yet{meant}; only a token with the scope admin can begin one",
            mode.as_str()
        ));
    }
    Ok(())
}

async fn all(db: &dyn Db) -> Result<Vec<Token>> {
    let mut page = Page { after: None, limit: PAGE };
    let mut all = Vec::new();
    loop {
        let mut tokens = db.tokens(&page).await?;
        let is_last = tokens.len() < PAGE as usize;
        page.after = tokens.last().map(|token| token.id);
        all.append(&mut tokens);
        if is_last {
            return Ok(all);
        }
    }
}

fn list(tokens: &[Token]) {
    if tokens.is_empty() {
        note("There are no tokens. `vsekai-server token create --name NAME --scope admin --days 30` makes one.");
        return;
    }
    let row = |token: &Token| {
        let used = token.last_used_at.map_or_else(|| "never".to_owned(), Time::day);
        vec![
            token.id.to_string(),
            text::line(&token.name),
            token.scopes.clone(),
            token.created_at.day(),
            used,
            state(token),
        ]
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    print(&format!("{}\n", text::table(&["id", "name", "scopes", "created", "last used", "state"], &rows)));
}

fn state(token: &Token) -> String {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", at.day()),
        (None, Some(end)) if end <= Time::now() => format!("expired {}", end.day()),
        (None, Some(end)) => format!("valid until {}", end.day()),
        (None, None) => "valid, no expiry".to_owned(),
    }
}

/// As `GET /api/v1/tokens` has it.
fn as_json(token: &Token) -> serde_json::Value {
    let shown = |time: Option<Time>| time.map(|time| time.to_string());
    json!({
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes.split(' ').collect::<Vec<_>>(),
        "created_at": token.created_at.to_string(),
        "expires_at": shown(token.expires_at),
        "revoked_at": shown(token.revoked_at),
        "last_used_at": shown(token.last_used_at),
    })
}

/// Revokes the token with this id, or the only valid one with this name.
async fn revoke(db: &dyn Db, wanted: &str) -> Result<()> {
    let all = all(db).await?;
    let id = wanted.parse::<Uuid>().ok();
    let now = Time::now();
    let named: Vec<&Token> = all.iter().filter(|token| token.name == wanted || Some(token.id) == id).collect();
    let valid: Vec<&Token> = named.iter().copied().filter(|token| is_valid(token, now)).collect();
    let token = match valid.as_slice() {
        [token] => token,
        [] => return already_ended(&all, &named, wanted),
        several => {
            let ids: Vec<String> = several.iter().map(|token| token.id.to_string()).collect();
            let reason = format!("{} tokens are named {wanted:?}; give the id: {}", several.len(), ids.join(", "));
            return Err(Error::Invalid { what: "token", reason });
        }
    };
    let entry = entry("token.revoke", token.id.to_string(), &json!({}));
    if !db.revoke_token(token.id, Time::now(), Some(&entry)).await? {
        return Err(Error::NotFound { what: "token" });
    }
    print(&format!(
        "Revoked {} ({}). Running servers stop accepting it within seconds.\n",
        token.id,
        text::line(&token.name)
    ));
    Ok(())
}

/// What there is to say where no valid token has this id or name.
fn already_ended(all: &[Token], named: &[&Token], wanted: &str) -> Result<()> {
    let Some(newest) = named.iter().max_by_key(|token| token.created_at) else {
        let known: Vec<&str> = all.iter().map(|token| token.name.as_str()).collect();
        let meant = text::closest(wanted, &known).map(|name| format!(", did you mean {name:?}?")).unwrap_or_default();
        let reason = format!("no token has the id or the name {wanted:?}{meant}; `vsekai-server token list` shows all");
        return Err(Error::Invalid { what: "token", reason });
    };
    let what = match (newest.revoked_at, newest.expires_at) {
        (Some(at), _) => format!("was revoked before, on {}", at.day()),
        (None, end) => format!("expired on {}", end.map(Time::day).unwrap_or_default()),
    };
    print(&format!("{} {what}: nothing to do.\n", text::line(wanted)));
    Ok(())
}
