//! `vsekai-server serve`: answers requests and runs the background tasks until it is stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use poem::{EndpointExt, Route};
use serde_json::json;
use tokio::sync::Notify;
use vsekai_server::app::Application;
use vsekai_server::config::Config;
use vsekai_server::error::{Error, Result};
use vsekai_server::listen::{Limits, Tcp, serve};
use vsekai_server::observe::{describe, gauge_bundles, gauge_cache, gauge_chunks, gauge_service};
use vsekai_updater::text;

use super::{log, open, print, tls};

/// Upper bounds of the histogram of response times, in seconds.
const BUCKETS: [f64; 12] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];

pub(super) async fn run(config: Config) -> Result<()> {
    let limits = Limits {
        connections: config.connections,
        connections_per_network: config.connections_per_address,
        proxies: config.trusted_proxies.clone(),
        shutdown: Duration::from_secs(config.shutdown_s),
        ..Limits::default()
    };
    let drain = Duration::from_secs(config.drain_s);
    let metrics = config.metrics()?;
    let tls = tls::files(&config);
    if let Some(files) = &tls {
        tls::check(files).await?;
    }
    let handle = start_metrics(metrics.is_some())?;
    let pages = Pages { docs: config.docs, admin: config.admin_page };
    let (database, listen) = (config.database_shown(), config.listen);
    let public_url = config.public_url.clone();
    let app = Arc::new(open(config).await?);
    let tcp = bind(listen, "--listen ADDRESS:PORT").await?;
    let metrics_tcp = match metrics {
        Some(address) => Some(bind(address, "--set metrics_listen=ADDRESS:PORT").await?),
        None => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = if public_url.is_empty() { format!("{scheme}://{}", tcp.address()) } else { public_url };
    // What it finds is logged. Players are served meanwhile, and /readyz says it.
    let _ = app.service().chunks().check_reach().await;
    let stop = Arc::new(Notify::new());
    // Before the first line: whoever reads it may stop the server at once.
    watch_signals(Arc::clone(&app), Arc::clone(&stop), drain)?;
    welcome(&app, &address, pages, &database).await?;
    let tasks = app.background_tasks()?;
    if let (Some(tcp), Some(handle)) = (metrics_tcp, handle) {
        serve_metrics(tcp, handle, &app);
    }
    let stopped = async move { stop.notified().await };
    match tls {
        None => serve(tcp, app.endpoint(), &limits, stopped).await,
        Some(files) => {
            let secure = tls::accept(tcp, files).await?;
            serve(secure, app.endpoint(), &limits, stopped).await;
        }
    }
    drop(tasks);
    app.finish().await;
    log::line(json!({"event": "stopped"}), "Stopped.");
    Ok(())
}

/// Takes an address, which is given with this option.
async fn bind(listen: SocketAddr, option: &str) -> Result<Tcp> {
    Tcp::bind(listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let reason = format!("another program listens at {listen}");
            let hint = format!("Stop that program, or choose another address or port with `{option}`");
            Error::command("address_in_use", reason, hint)
        }
        std::io::ErrorKind::PermissionDenied => Error::config(
            format!("cannot listen at {listen}: this user may not use that port"),
            format!("Choose a port from 1024 up with `{option}`, and put a proxy in front"),
        ),
        _ => Error::config(
            format!("cannot listen at {listen}: {}", text::system_reason(&error)),
            format!("Choose an address of this machine with `{option}`; 0.0.0.0 stands for all of them"),
        ),
    })
}

/// The pages that are served.
#[derive(Clone, Copy)]
struct Pages {
    docs: bool,
    admin: bool,
}

/// Tells the operator where the server is. Programs that have started it read the first line.
async fn welcome(app: &Application, address: &str, pages: Pages, database: &str) -> Result<()> {
    print(&log::shown(json!({"event": "listening", "url": address}), &format!("Listening at {address}")));
    log::line(json!({"event": "database", "database": database}), &format!("database       {database}"));
    if pages.docs {
        let url = format!("{address}/docs");
        log::line(json!({"event": "documentation", "url": url}), &format!("documentation  {url}"));
    }
    if pages.admin {
        let url = format!("{address}/admin");
        log::line(json!({"event": "admin_page", "url": url}), &format!("for operators  {url}"));
    }
    if let Some(file) = app.first_token().await? {
        let file = file.display().to_string();
        print(&log::shown(json!({"event": "first_token", "file": file}), &format!("Admin token in {file}")));
        log::line(
            json!({"event": "first_token_hint"}),
            "Move that file where only you can read it. The token ends in a week; `vsekai-server token create` makes others.",
        );
    }
    if app.service().db().view().await?.metadata.is_empty() {
        let next = format!(
            "Nothing is published yet. Make keys with `vsekai keys init KEYS --mode stable --online {address}`, then\n\
             `vsekai publish BUILD --mode stable --version 1.0.0 --entry EXE --server {address} --keys KEYS --token-file FILE`"
        );
        log::line(json!({"event": "nothing_published"}), &next);
    }
    Ok(())
}

/// Shuts down in order, after `drain`, on SIGTERM or SIGINT. A second signal ends the process at once.
fn watch_signals(app: Arc<Application>, stop: Arc<Notify>, drain: Duration) -> Result<()> {
    let failed = |error: std::io::Error| Error::internal_by("watching signals")(error);
    #[cfg(unix)]
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(failed)?;
    #[cfg(unix)]
    let mut int = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(failed)?;
    tokio::spawn(async move {
        let mut times = 0;
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            #[cfg(not(unix))]
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            times += 1;
            if times > 1 {
                std::process::exit(130);
            }
            tracing::info!(event = "shutting_down", "shutting down; requests under way will be answered");
            app.stop();
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                tokio::time::sleep(drain).await;
                stop.notify_one();
            });
        }
    });
    Ok(())
}

fn start_metrics(is_on: bool) -> Result<Option<PrometheusHandle>> {
    if !is_on {
        return Ok(None);
    }
    let failed = |error: metrics_exporter_prometheus::BuildError| Error::internal_by("metrics")(error);
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(failed)?;
    let handle = builder.install_recorder().map_err(failed)?;
    describe();
    Ok(Some(handle))
}

fn serve_metrics(tcp: Tcp, handle: PrometheusHandle, app: &Arc<Application>) {
    let url = format!("http://{}/metrics", tcp.address());
    log::line(json!({"event": "metrics", "url": url}), &format!("metrics        {url}"));
    let app = Arc::clone(app);
    let handle = Arc::new(handle);
    let page = poem::endpoint::make(move |_| {
        let (app, handle) = (Arc::clone(&app), Arc::clone(&handle));
        async move {
            let counts = app.service().chunks().cache_counts();
            gauge_cache(counts.hits, counts.misses, counts.bytes);
            if let Ok(chunks) = app.service().db().chunk_counts().await {
                gauge_chunks(&chunks);
            }
            if let Ok(bundles) = app.service().db().bundles(None).await {
                gauge_bundles(&bundles);
            }
            gauge_service(app.service(), app.data()).await;
            handle.run_upkeep();
            Ok::<_, poem::Error>(handle.render())
        }
    });
    let endpoint = Route::new().at("/metrics", page).boxed();
    let limits = Limits { connections: 16, ..Limits::default() };
    tokio::spawn(async move { serve(tcp, endpoint, &limits, std::future::pending()).await });
}
