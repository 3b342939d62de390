//! A host as other people build them: plain wasmtime with its own WASI, none of ours. Its only way out leads to the
//! simulator, which stands where Stripe would.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use refund_simulator::Simulator;
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

/// A component, compiled and linked.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pre: InstancePre<State>,
}

impl Host {
    pub(crate) fn new(component: &[u8]) -> Self {
        let engine = Engine::default();
        let component = Component::from_binary(&engine, component).unwrap();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        let pre = linker.instantiate_pre(&component).unwrap();
        Self { engine, pre }
    }

    pub(crate) fn pre(&self) -> InstancePre<State> {
        self.pre.clone()
    }

    /// What one call owns.
    pub(crate) fn store(&self, way: Way, environment: &[(&str, &str)]) -> Store<State> {
        let wasi = WasiCtx::builder().envs(environment).build();
        let state = State { table: ResourceTable::new(), wasi, http: WasiHttpCtx::new(), way };
        Store::new(&self.engine, state)
    }
}

/// The data of a store.
pub(crate) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    way: Way,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.way, table: &mut self.table, ctx: &mut self.http }
    }
}

/// The way out.
#[derive(Clone)]
pub(crate) struct Way {
    /// Where the simulator is.
    to: Authority,
    /// A placeholder, and the key that is put in its place where a request leaves, as Obelisk does.
    pub(crate) secret: Option<(String, String)>,
    /// Where the guest wanted to go, and the authorization it gave.
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Way {
    pub(crate) fn to(stripe: &Simulator) -> Self {
        let url: Uri = stripe.base_url().parse().unwrap();
        Self { to: url.authority().unwrap().clone(), secret: None, seen: Arc::default() }
    }

    /// Where requests wanted to go, and with which authorization.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }

    /// Notes the request, then turns it around to the simulator.
    fn redirect(&self, request: &mut Request<WasiBody>) -> Result<()> {
        let uri = request.uri().clone();
        let origin = format!("{}://{}", uri.scheme_str().unwrap(), uri.authority().unwrap());
        let mut given =
            request.headers()[AUTHORIZATION].to_str().map(str::to_owned).unwrap_or_default();
        self.seen.lock().unwrap().push((origin.clone(), given.clone()));
        if origin != "https://api.stripe.com" && origin != format!("http://{}", self.to) {
            return Err(Error::HttpRequestDenied);
        }
        if let Some((placeholder, key)) = &self.secret {
            given = given.replace(placeholder, key);
        }
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&given).unwrap());
        let mut parts = uri.into_parts();
        (parts.scheme, parts.authority) = (Some(Scheme::HTTP), Some(self.to.clone()));
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
        Ok(())
    }
}

/// The future of a body that is still being read, which WASI wants beside the answer.
type Rest = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for Way {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Rest,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Rest)>> + Send> {
        let redirected = self.redirect(&mut request);
        Box::new(async move {
            redirected?;
            let (parts, body) = request.into_parts();
            let body = Full::<Bytes>::new(body.collect().await?.to_bytes());
            let client: Client<HttpConnector, _> =
                Client::builder(TokioExecutor::new()).build_http();
            let sent = client.request(Request::from_parts(parts, body)).await;
            let response = sent.map_err(|_| Error::ConnectionTerminated)?;
            let response = response.map(|body| body.map_err(Error::from).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) }) as Rest))
        })
    }
}
