//! Real sockets whose clients are slow, silent or greedy.

use std::time::{Duration, Instant};

use poem::endpoint::{make, make_sync};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use vsekai_server::listen::Limits;

use super::support::Server;

const SECOND: Duration = Duration::from_secs(1);

fn limits(head: Duration, idle: Duration) -> Limits {
    Limits { head, idle, ..Limits::default() }
}

async fn hello(limits: Limits) -> Server {
    Server::start(make_sync(|_| "hello"), limits).await
}

/// Waits until the server has closed the connection. Returns what it sent before.
async fn ended(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A reset also counts as closed.
    let _ = tokio::time::timeout(10 * SECOND, read).await.expect("the connection is still open");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_is_not_waited_for() {
    let server = hello(limits(SECOND, 60 * SECOND)).await;
    for begin in ["", "G", "GET / HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        let since = Instant::now();
        ended(&mut stream).await;
        assert!(since.elapsed() > SECOND / 2, "{begin:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_is_cut_off() {
    let server = hello(limits(SECOND, 60 * SECOND)).await;
    // For the first request of a connection, and for a later one.
    for begin in ["", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        tokio::time::sleep(SECOND / 2).await;
        let since = Instant::now();
        while since.elapsed() < 5 * SECOND && stream.write_all(b"GET").await.is_ok() {
            tokio::time::sleep(SECOND / 10).await;
        }
        assert!(since.elapsed() < 3 * SECOND, "{begin:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_rest_between_requests_but_not_forever() {
    let server = hello(limits(SECOND, 3 * SECOND)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut answer = [0; 4096];
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let count = stream.read(&mut answer).await.unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
        // Longer than the limit for a header.
        tokio::time::sleep(SECOND * 3 / 2).await;
    }
    let since = Instant::now();
    assert!(ended(&mut stream).await.is_empty());
    assert!(since.elapsed() < 4 * SECOND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_may_take_longer_than_a_connection_may_rest() {
    let slow = make(|_| async {
        tokio::time::sleep(3 * SECOND).await;
        "done"
    });
    let server = Server::start(slow, limits(SECOND, SECOND)).await;
    assert_eq!(server.get("/").await.body, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_its_answer_is_cut_off() {
    let large = make_sync(|_| vec![0_u8; 64 << 20]);
    let server = Server::start(large, limits(SECOND, SECOND)).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(4 * SECOND).await;
    let answer = ended(&mut stream).await;
    assert!(answer.len() < 32 << 20, "{} bytes came after all", answer.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_head_is_refused() {
    let server = hello(Limits::default()).await;
    for (bytes, status) in [(16 << 10, "HTTP/1.1 200"), (64 << 10, "HTTP/1.1 431"), (500 << 10, "HTTP/1.1 431")] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(bytes));
        // The server may close before everything was sent, and a reset may arrive before its answer.
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = ended(&mut stream).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(status) || (answer.is_empty() && bytes > 16 << 10), "{bytes}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let server = hello(Limits { connections: 2, ..Limits::default() }).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut answer = [0; 4096];
    let mut first = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        assert!(stream.read(&mut answer).await.unwrap() > 0);
        first.push(stream);
    }
    let mut third = TcpStream::connect(server.address).await.unwrap();
    third.write_all(request).await.unwrap();
    tokio::time::timeout(SECOND / 2, third.read(&mut answer)).await.expect_err("the third has no turn yet");
    first.pop();
    let count = tokio::time::timeout(5 * SECOND, third.read(&mut answer)).await.unwrap().unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_answered_before_the_end() {
    let slow = make(|_| async {
        tokio::time::sleep(SECOND).await;
        "done"
    });
    let mut server = Server::start(slow, Limits::default()).await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    let request = tokio::spawn(reqwest::get(server.url("/")));
    tokio::time::sleep(SECOND / 2).await;
    server.stop.take().unwrap().send(()).unwrap();
    assert_eq!(request.await.unwrap().unwrap().text().await.unwrap(), "done");
    tokio::time::timeout(5 * SECOND, &mut server.task).await.expect("the server has ended").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_is_cut_off_at_the_end() {
    let endless = make(|_| async {
        tokio::time::sleep(600 * SECOND).await;
        "never"
    });
    let mut server = Server::start(endless, Limits { shutdown: SECOND, ..Limits::default() }).await;
    let request = tokio::spawn(reqwest::get(server.url("/")));
    tokio::time::sleep(SECOND / 2).await;
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(5 * SECOND, &mut server.task).await.expect("the server has ended").unwrap();
    assert!(request.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_works_and_may_take_its_time() {
    let server = Server::start(make_sync(|_| vec![7_u8; 3 << 20]), limits(SECOND, 3 * SECOND)).await;
    let client = crate::client::plain().http2_prior_knowledge().build().unwrap();
    for _ in 0..2 {
        let mut answer = client.get(server.url("/")).send().await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
        let mut count = 0;
        let since = Instant::now();
        while let Some(part) = answer.chunk().await.unwrap() {
            count += part.len();
            // Longer in total than the limits for a header and for an idle connection.
            if since.elapsed() < 4 * SECOND {
                tokio::time::sleep(SECOND / 10).await;
            }
        }
        assert_eq!(count, 3 << 20);
    }
}
