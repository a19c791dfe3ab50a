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
            db.put_token(&made.row, Some(&entry("token.create", made.row.id.to_string(), &detail))).await?;
            if json {
                let mut shown = as_json(&made.row);
                shown["token"] = made.text.into();
                print_json(&shown);
            } else {
                print(&format!("{}\n", made.text));
            }
            warn_of_unknown_modes(db, &scopes).await?;
            note("This token is shown only once. Pass it to `vsekai publish` with --token-file or VSEKAI_TOKEN.");
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

/// A mistyped mode would only be noticed when somebody publishes.
async fn warn_of_unknown_modes(db: &dyn Db, scopes: &[Scope]) -> Result<()> {
    let named = scopes.iter().filter_map(|scope| if let Scope::Publish(mode) = scope { Some(mode) } else { None });
    let page = Page { after: None, limit: PAGE };
    let known = db.modes(&ModeFilter::default(), &page).await?;
    let known: Vec<&str> = known.iter().map(|mode| mode.name.as_str()).collect();
    for mode in named.filter(|mode| !known.contains(&mode.as_str())) {
        let meant = text::closest(mode.as_str(), &known);
        let meant = meant.map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
        note(&format!("warning: there is no mode {:?} yet{meant}", mode.as_str()));
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
        note("There are no tokens. `vsekai-server token create` makes one.");
        return;
    }
    let row = |token: &Token| {
        let used = token.last_used_at.map_or_else(|| "never".to_owned(), day);
        vec![
            token.id.to_string(),
            text::line(&token.name),
            token.scopes.clone(),
            day(token.created_at),
            used,
            state(token),
        ]
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    print(&format!("{}\n", text::table(&["id", "name", "scopes", "created", "last used", "state"], &rows)));
}

fn state(token: &Token) -> String {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", day(at)),
        (None, Some(end)) if end <= Time::now() => format!("expired {}", day(end)),
        (None, Some(end)) => format!("valid until {}", day(end)),
        (None, None) => "valid, no expiry".to_owned(),
    }
}

/// The date in UTC.
fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
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

/// Revokes the token with this id, or the only one with this name that is not revoked yet.
async fn revoke(db: &dyn Db, wanted: &str) -> Result<()> {
    let all = all(db).await?;
    let id = wanted.parse::<Uuid>().ok();
    let (mut fitting, mut revoked) = (Vec::new(), None);
    for token in all.iter().filter(|token| Some(token.id) == id || token.name == wanted) {
        match token.revoked_at {
            Some(at) => revoked = Some(at),
            None => fitting.push(token),
        }
    }
    let refuse = |reason: String| Err(Error::Invalid { what: "token", reason });
    let token = match (fitting.as_slice(), revoked) {
        ([token], _) => token,
        ([], Some(at)) => {
            print(&format!("{} was revoked before, on {}: nothing to do.\n", text::line(wanted), day(at)));
            return Ok(());
        }
        ([], None) => {
            let reason = format!("no token has the id or the name {wanted:?}; `vsekai-server token list` shows all");
            return refuse(reason);
        }
        (several, _) => {
            let ids: Vec<String> = several.iter().map(|token| token.id.to_string()).collect();
            return refuse(format!("{} tokens are named {wanted:?}; give the id: {}", several.len(), ids.join(", ")));
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
