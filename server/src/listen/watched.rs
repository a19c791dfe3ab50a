//! A connection with timeouts: for the header of a request, for any activity at all, and for the client to read its
//! response.
//!
//! It sees bytes, not requests; [`Activity`] tells it where requests begin and end. An HTTP/2 connection has many
//! requests at once, so only its first header and its idle time are limited.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Limits;

/// How requests report to the connection that they came on.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU32,
    under_way: AtomicU32,
    is_multiplexed: AtomicBool,
}

impl Activity {
    /// The header of a request has been read. The request is being handled until the result is dropped.
    pub(super) fn begin(self: &Arc<Self>, is_multiplexed: bool) -> Busy {
        // Relaxed: all of this happens in the task of the connection, or in one that it waits for.
        if is_multiplexed {
            self.is_multiplexed.store(true, Ordering::Relaxed);
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn is_busy(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }
}

/// A request that is being handled.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that fails when a timeout is over.
#[derive(Debug)]
pub(super) struct Watched<Io> {
    inner: Io,
    activity: Arc<Activity>,
    head: Duration,
    idle: Duration,
    /// When the header began that is being read.
    head_since: Option<Instant>,
    /// How many requests had begun when this was last checked.
    begun: u32,
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<Io> Watched<Io> {
    pub(super) fn new(inner: Io, activity: Arc<Activity>, limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            inner,
            activity,
            head: limits.head,
            idle: limits.idle,
            head_since: Some(now),
            begun: 0,
            last: now,
            timer: Box::pin(tokio::time::sleep_until(now + limits.head)),
        }
    }

    /// Called when bytes were transferred.
    fn moved(&mut self, is_read: bool) {
        self.last = Instant::now();
        self.notice_requests();
        let is_between = !self.activity.is_busy() && !self.activity.is_multiplexed.load(Ordering::Relaxed);
        if is_read && is_between && self.head_since.is_none() {
            self.head_since = Some(self.last);
        }
    }

    fn notice_requests(&mut self) {
        let begun = self.activity.begun.load(Ordering::Relaxed);
        if begun != self.begun {
            self.begun = begun;
            self.head_since = None;
        }
    }

    /// Called when no bytes could be transferred. Fails if that has lasted too long; otherwise wakes the task when it
    /// will have.
    fn waits(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.notice_requests();
        let now = Instant::now();
        if self.activity.is_busy() {
            self.last = now;
        }
        let due = match self.head_since {
            Some(since) => (since + self.head).min(self.last + self.idle),
            None => self.last + self.idle,
        };
        if due <= now {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // An early wake-up only costs another check, so the timer is not moved with every byte.
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            self.timer.as_mut().reset(due);
        }
        Ok(())
    }
}

impl<Io: Unpin> Watched<Io> {
    fn watch<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>, is_read: bool) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(result) => {
                self.moved(is_read);
                Poll::Ready(result)
            }
            Poll::Pending => match self.waits(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Watched<Io> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.watch(cx, polled, true)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Watched<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch(cx, polled, false)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.watch(cx, polled, false)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_flush(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.watch(cx, Poll::Pending, false),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
