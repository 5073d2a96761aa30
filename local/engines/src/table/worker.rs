//! Where the table's work is done: for a file on a thread of its own, in memory in the caller's task.
//!
//! A file's commit blocks, now and then for a sync of the disk. With a thread the runtime's tasks neither block nor
//! queue for a mutex, and JSON is read and written beside it (measured: a quarter to a third more puts a second).
//!
//! In memory a thread would harm. Tests pause Tokio's time, which moves as soon as every task waits, and it does not
//! know of work on a thread; and a simulation repeats itself only if everything happens in one order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use dynoxide::{Database, DynoxideError};
use tokio::sync::oneshot;

use crate::checkpoints::Between;
use crate::thread;

type Job = Box<dyn FnOnce(&Database) + Send>;

/// Does the table's work, one job at a time.
pub(crate) enum Runner {
    InPlace(Database),
    OnThread(Worker),
}

/// The thread that owns the table: jobs in, results out, in the order they came.
pub(crate) struct Worker {
    /// None while the worker is being dropped.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Database) -> Result<T, DynoxideError> + Send + 'static,
    ) -> Result<T, DynoxideError> {
        match self {
            Self::InPlace(database) => job(database),
            Self::OnThread(worker) => worker.run(job).await,
        }
    }
}

impl Worker {
    /// `done` counts the jobs.
    pub(crate) fn start(database: Database, done: Arc<AtomicU64>) -> std::io::Result<Self> {
        let (jobs, receiver) = channel();
        let work = move || work(&database, &receiver, &done);
        let thread = std::thread::Builder::new().name("table".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// A way to have something done between two jobs. The thread stays as long as there is one.
    pub(crate) fn between_jobs(&self) -> impl Fn(Between) + Send + use<> {
        let jobs = self.jobs.clone();
        move |work| {
            let job: Job = Box::new(move |_| work());
            let _ = jobs.as_ref().map(|jobs| jobs.send(job));
        }
    }

    /// Does `job` on the worker's thread. A job whose caller went away is done all the same, as a request that has
    /// reached AWS is. The queue of jobs needs no bound of its own: every caller waits for its job.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Database) -> Result<T, DynoxideError> + Send + 'static,
    ) -> Result<T, DynoxideError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |database| drop(done.send(job(database))));
        // A worker that is gone drops the job, and the waiting end reports it.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(job));
        result.await.unwrap_or_else(|_| Err(DynoxideError::InternalServerError("the table's thread is gone".into())))
    }
}

impl Drop for Worker {
    /// Finishes the jobs that came, and closes the file.
    fn drop(&mut self) {
        drop(self.jobs.take());
        thread::join(&mut self.thread, "the table's thread panicked");
    }
}

/// A panic of the engine costs its caller an error, not everybody the table.
fn work(database: &Database, jobs: &Receiver<Job>, done: &AtomicU64) {
    while let Ok(job) = jobs.recv() {
        done.fetch_add(1, Ordering::Relaxed);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(database)));
        if outcome.is_err() {
            tracing::error!("the table engine panicked");
        }
    }
}
