//! The REST API, under Spark's paths and names: what runs, what ran, on what.

mod views;

use std::net::SocketAddr;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rsql_common::{Error, Result};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::master::Inbox;
use crate::master::Scheduler;

/// Serves the API on `address`; gives the address it listens on.
pub(crate) async fn serve(address: SocketAddr, inbox: Inbox) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| Error::cannot_listen(address, "--rest-port", &e))?;
    let at = listener.local_addr()?;
    let app = "/api/v1/applications/{app}";
    let router = Router::new()
        .route("/api/v1/version", get(async || Json(views::version())))
        .route("/api/v1/applications", get(applications))
        .route(app, get(application))
        .route(&format!("{app}/jobs"), get(jobs))
        .route(&format!("{app}/jobs/{{job}}"), get(job))
        .route(&format!("{app}/stages"), get(stages))
        .route(&format!("{app}/stages/{{stage}}"), get(stage))
        .route(&format!("{app}/stages/{{stage}}/{{attempt}}"), get(stage_attempt))
        .route(&format!("{app}/stages/{{stage}}/{{attempt}}/taskList"), get(tasks))
        .route(&format!("{app}/executors"), get(executors))
        .route(&format!("{app}/allexecutors"), get(all_executors))
        .route(&format!("{app}/sql"), get(executions))
        .route(&format!("{app}/sql/{{execution}}"), get(execution))
        .route(&format!("{app}/environment"), get(environment))
        .with_state(inbox);
    tokio::task::spawn(async move {
        if let Err(e) = axum::serve(listener, router).await {
            tracing::error!(error = %e, "the REST server ended");
        }
    });
    Ok(at)
}

/// Answers from the scheduler's state: nothing found is 404, no scheduler is 503.
async fn answer(
    inbox: &Inbox,
    app: Option<String>,
    read: impl FnOnce(&Scheduler) -> Option<Value> + Send + 'static,
) -> Response {
    let looked = inbox.look(move |s| match app {
        Some(app) if app != s.history().application => None,
        _ => read(s),
    });
    let found = match looked {
        Ok(told) => told.await.ok(),
        Err(_) => None,
    };
    match found {
        Some(Some(value)) => Json(value).into_response(),
        Some(None) => StatusCode::NOT_FOUND.into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn applications(State(inbox): State<Inbox>) -> Response {
    answer(&inbox, None, |s| Some(vec![views::application(s.history())].into())).await
}

async fn application(State(inbox): State<Inbox>, Path(app): Path<String>) -> Response {
    answer(&inbox, Some(app), |s| Some(views::application(s.history()))).await
}

async fn jobs(State(inbox): State<Inbox>, Path(app): Path<String>) -> Response {
    answer(&inbox, Some(app), |s| Some(views::jobs(s.history()))).await
}

async fn job(State(inbox): State<Inbox>, Path((app, job)): Path<(String, u64)>) -> Response {
    answer(&inbox, Some(app), move |s| views::job_of(s.history(), job)).await
}

async fn stages(State(inbox): State<Inbox>, Path(app): Path<String>) -> Response {
    answer(&inbox, Some(app), |s| Some(views::stages(s.history()))).await
}

async fn stage(State(inbox): State<Inbox>, Path((app, stage)): Path<(String, u64)>) -> Response {
    answer(&inbox, Some(app), move |s| {
        views::stage_of(s.history(), stage).map(|v| vec![v].into())
    })
    .await
}

async fn stage_attempt(State(inbox): State<Inbox>, Path((app, stage, attempt)): Path<(String, u64, u32)>) -> Response {
    answer(&inbox, Some(app), move |s| {
        views::stage_of(s.history(), stage).filter(|v| v["attemptId"] == attempt)
    })
    .await
}

async fn tasks(State(inbox): State<Inbox>, Path((app, stage, _)): Path<(String, u64, u32)>) -> Response {
    answer(&inbox, Some(app), move |s| views::tasks_of(s.history(), stage)).await
}

async fn executors(State(inbox): State<Inbox>, Path(app): Path<String>) -> Response {
    answer(&inbox, Some(app), |s| Some(views::executors(s, false))).await
}

async fn all_executors(State(inbox): State<Inbox>, Path(app): Path<String>) -> Response {
    answer(&inbox, Some(app), |s| Some(views::executors(s, true))).await
}

async fn executions(State(inbox): State<Inbox>, Path(app): Path<String>) -> Response {
    answer(&inbox, Some(app), |s| Some(views::executions(s.history()))).await
}

async fn execution(State(inbox): State<Inbox>, Path((app, execution)): Path<(String, u64)>) -> Response {
    answer(&inbox, Some(app), move |s| views::execution_of(s.history(), execution)).await
}

async fn environment(State(inbox): State<Inbox>, Path(app): Path<String>) -> Response {
    answer(&inbox, Some(app), |s| Some(views::environment(s))).await
}
