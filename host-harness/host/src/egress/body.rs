//! The body of an answer, bounded in size and in the time between its parts.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::Error;

/// A body that ends with an error once it is too large or too slow.
pub(super) struct Bounded {
    incoming: Incoming,
    most: u64,
    left: u64,
    patience: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl Bounded {
    pub(super) fn new(incoming: Incoming, most: u64, patience: Duration) -> Self {
        let deadline = Box::pin(tokio::time::sleep(patience));
        Self { incoming, most, left: most, patience, deadline }
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                if length > self.left {
                    return Poll::Ready(Some(Err(Error::HttpResponseBodySize(Some(self.most)))));
                }
                self.left -= length;
                let next = Instant::now() + self.patience;
                self.deadline.as_mut().reset(next);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Error::HttpResponseIncomplete))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.deadline.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(Error::ConnectionReadTimeout))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }
}
