//! The door `import`: files that come into the bucket become messages. What S3 tells comes through a queue, and so do the parts a
//! file is read in; an event that S3 sends straight to the function is taken, too. What fails through us comes again.

use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use fanfare::config::Platform;
use fanfare::domain::ids::OrganizationId;
use fanfare::domain::import::RecordVerdict;
use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::Effects;
use fanfare::fault::{Fault, FaultKind};
use fanfare::flows::Refusal;
use fanfare::flows::accept_message::{AcceptMessage, Record};
use fanfare::flows::import_file::{Begun, FileMessage, ImportFile, Judged, Next, Window};
use fanfare::http::wire::message::read_record;
use fanfare::queue::{self, CreatedObject, ImportWork, PartJob};
use fanfare::store::ApplicationRef;
use fanfare::telemetry::{Invoked, Watch, in_trace};
use futures_util::FutureExt as _;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

/// How long before its deadline an invocation stops: enough for the window it is at, however slow the table is.
const RESERVE_MS: i64 = 30_000;

/// When an invocation ends what it does.
#[derive(Clone, Copy)]
struct Time {
    /// Nothing is tried again after this.
    stop_at: Timestamp,
    /// After this a part's next window is left to another message.
    hand_on_at: Timestamp,
}

/// How often in a row something is tried without getting on, before it is left to the queue.
const TRIES_MAX: i32 = 5;

/// The pause after the first time is about twice of this, and each is twice the one before.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a record that names no application, in a file that names none, cannot become a message.
const NO_APPLICATION: &str = "application: the record must name one, because the file is not for one application";

/// The door, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    import_file: ImportFile,
    accept_message: AcceptMessage,
    effects: Effects,
    watch: Watch,
}

impl Door {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            import_file: ImportFile::new(platform),
            accept_message: AcceptMessage::new(platform),
            effects: platform.effects.clone(),
            watch: platform.telemetry.watch("import"),
        }
    }

    /// A batch of the queue, which names the messages that are to stay in it; or an event of S3.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<SqsBatchResponse, Error> {
        let LambdaEvent { payload, context } = event;
        let deadline = Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX));
        let invoked = Invoked { request_id: context.request_id, ..Invoked::default() };
        self.watch.invocation(invoked, self.work_on(payload, deadline.plus_millis(-RESERVE_MS))).await
    }

    async fn work_on(&self, event: Value, stop_at: Timestamp) -> Result<SqsBatchResponse, Error> {
        let source = event.pointer("/Records/0/eventSource").and_then(Value::as_str);
        if source == Some("aws:s3") {
            let created = queue::decode_created(&event.to_string()).map_err(|reason| reason.0)?;
            self.work(&ImportWork::Created(created), Time { stop_at, hand_on_at: stop_at }).await?;
            return Ok(SqsBatchResponse::default());
        }
        let batch: SqsEvent = serde_json::from_value(event)?;
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            if !self.is_done(&message, stop_at).await {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        Ok(response)
    }

    async fn is_done(&self, message: &SqsMessage, stop_at: Timestamp) -> bool {
        let id = message.message_id.as_deref().unwrap_or_default();
        let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse::<u32>().ok());
        // The queue gives up on a message that it handed out a few times. Whoever had this one before died with it, and may have got
        // on: as soon as that is so, the rest travels in a message of its own.
        let hand_on_at = if receives.is_some_and(|receives| receives > 1) { self.effects.now() } else { stop_at };
        match queue::decode_import_work(message.body.as_deref().unwrap_or_default()) {
            Err(reason) => {
                tracing::error!(queue.message_id = id, reason = reason.0, "a queued message is nothing to import");
                false
            }
            Ok(queued) => {
                let done = async {
                    let done = self.work(&queued.work, Time { stop_at, hand_on_at }).await;
                    let told = |fault: &Fault| {
                        tracing::warn!(
                            queue.message_id = id,
                            error = fault.chain(),
                            "a piece of an import was handed back"
                        );
                    };
                    done.inspect_err(told).is_ok()
                };
                in_trace(queued.trace, done).await
            }
        }
    }

    /// Does it, again and again while an engine refuses: from where it was, as if somebody else went on. Left to the queue it would
    /// come back only after its visibility timeout.
    async fn work(&self, work: &ImportWork, time: Time) -> Result<(), Fault> {
        let mut tries = 0;
        loop {
            let mut windows = 0;
            // Boxed, because futures nested as deeply as this one are more than the compiler lays out.
            let Err(fault) = self.work_once(work, time.hand_on_at, &mut windows).boxed().await else { return Ok(()) };
            tries = if windows > 0 { 1 } else { tries + 1 };
            if tries >= TRIES_MAX || fault.kind == FaultKind::Corrupt || self.effects.now() >= time.stop_at {
                return Err(fault);
            }
            tracing::warn!(error = fault.chain(), tries, "a piece of an import is tried again");
            tokio::time::sleep(PAUSE.mul_f64(2f64.powi(tries) * (0.5 + self.effects.random.fraction()))).await;
        }
    }

    /// `windows` counts those that are behind it for good.
    async fn work_once(&self, work: &ImportWork, hand_on_at: Timestamp, windows: &mut usize) -> Result<(), Fault> {
        match work {
            ImportWork::Part(job) => self.read_part(*job, hand_on_at, windows).await,
            ImportWork::Look(organization, import) => {
                let begun = self.import_file.look_for(organization, import).await?;
                tracing::info!(outcome = ?begun, "a file was looked for");
                Ok(())
            }
            ImportWork::Created(objects) => {
                for created in objects {
                    self.begin(created).await?;
                }
                Ok(())
            }
        }
    }

    async fn begin(&self, created: &CreatedObject) -> Result<(), Fault> {
        match self.import_file.begin(created).await? {
            Begun::Message(message) => self.tell(*message).await,
            begun @ (Begun::Running(_) | Begun::Failed(_) | Begun::Nothing) => {
                tracing::info!(outcome = ?begun, "an object was created");
                Ok(())
            }
        }
    }

    /// An object becomes a message; told twice, it is one, with the address of the first time.
    async fn tell(&self, file: FileMessage) -> Result<(), Fault> {
        let FileMessage { organization, application, draft } = file;
        match self.accept_message.run(&organization, &application, None, None, draft).await {
            Ok(accepted) => {
                tracing::info!(message.id = %accepted.message.id, "a created object became a message");
                Ok(())
            }
            Err(Refusal::Conflict(_)) => Ok(()),
            Err(Refusal::Fault(fault)) => Err(fault),
            Err(refusal) => {
                tracing::warn!(reason = %refusal, "a created object becomes no message");
                Ok(())
            }
        }
    }

    /// Reads a part to its end, or until time is up.
    async fn read_part(&self, job: PartJob, hand_on_at: Timestamp, windows: &mut usize) -> Result<(), Fault> {
        let Some(mut part) = self.import_file.open_part(job).await? else { return Ok(()) };
        let application = part.application();
        loop {
            let window = self.import_file.read(&mut part).await?;
            let judged = self.judge(&job.organization, application.as_ref(), &window).await?;
            let next = self.import_file.note(&mut part, window, judged).await?;
            *windows += 1;
            tracing::debug!(import.id = %job.import, import.part = job.part, counts = ?part.part().counts, "a window");
            match next {
                Next::Done | Next::Stop => return Ok(()),
                Next::Window if self.effects.now() >= hand_on_at => return self.import_file.hand_on(part).await,
                Next::Window => {}
            }
        }
    }

    /// Has the records accepted that can be messages.
    async fn judge(
        &self,
        organization: &OrganizationId,
        application: Option<&ApplicationRef>,
        window: &Window,
    ) -> Result<Vec<Judged>, Fault> {
        let mut judged = Vec::with_capacity(window.records.len());
        let (mut records, mut places) = (Vec::new(), Vec::new());
        for (index, raw) in window.records.iter().enumerate() {
            let (origin, line) = (raw.origin, raw.number);
            let read = read_record(&raw.json, window.at).and_then(|(named, draft)| {
                let application = named.or_else(|| application.cloned()).ok_or(NO_APPLICATION)?;
                Ok(Record { application, origin, draft })
            });
            let verdict = match read {
                Ok(record) => {
                    records.push(record);
                    places.push(index);
                    RecordVerdict::Accepted
                }
                Err(reason) => RecordVerdict::Rejected(reason),
            };
            judged.push(Judged { line, offset: origin.offset, verdict });
        }
        let verdicts = self.accept_message.run_bulk(organization, records, window.is_resumed, window.at).await?;
        for (index, verdict) in places.into_iter().zip(verdicts) {
            judged[index].verdict = verdict;
        }
        Ok(judged)
    }
}
