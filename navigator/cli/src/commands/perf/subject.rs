//! What is measured: a model of a server, or one in this process; what it is asked.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use nav_perf::{
    Call, Described, InProcess, Level, Load, Options, Protocol, Target, describe, listener_of,
    measure, measure_in_process, statistics,
};
use nav_serve::TOKEN_HEADER;

use super::{PerfArgs, inputs};
use crate::commands::serve::alone::{self, Manner};
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::secret::secret;
use crate::settings::Settings;

/// What is measured.
#[derive(Debug)]
pub(super) struct Subject {
    /// What it is called.
    pub(super) name: String,
    /// Where it is.
    pub(super) place: String,
    /// How tensors travel.
    pub(super) protocol: &'static str,
    /// What it takes and gives.
    pub(super) described: Described,
    kind: Kind,
    calls: Vec<Call>,
}

#[derive(Debug)]
enum Kind {
    Server(Target),
    InProcess(InProcess),
}

impl Subject {
    /// Opens a model, or asks a server about it, and makes the requests.
    pub(super) fn open(
        args: &PerfArgs,
        (settings, printer): (&Settings, Printer),
    ) -> anyhow::Result<Self> {
        if let Some(path) = &args.path {
            return Self::in_process(args, path, (settings, printer));
        }
        let model = args.model.as_deref().unwrap_or_default();
        if !args.dim.is_empty() {
            let text = "a server does not name dimensions; say --shape INPUT=EXTENT,...";
            return Err(UsageError(text.to_owned()).into());
        }
        let target = target(args)?;
        let described = describe(&target, model, args.model_version.as_deref())?;
        let is_unary = !matches!(target.protocol, Protocol::GrpcStream);
        if described.decoupled && is_unary {
            printer.note(&format!(
                "`{model}` may give several responses, for which only --protocol grpc-stream waits"
            ));
        }
        let calls = inputs::calls(args, model, &described, printer)?;
        Ok(Self {
            name: model.to_owned(),
            place: target.authority.clone(),
            protocol: target.protocol.name(),
            described,
            kind: Kind::Server(target),
            calls,
        })
    }

    fn in_process(
        args: &PerfArgs,
        path: &Path,
        (settings, printer): (&Settings, Printer),
    ) -> anyhow::Result<Self> {
        if !args.header.is_empty() || args.access_token_file.is_some() {
            let text = "--header and --access-token-file are for a server";
            return Err(UsageError(text.to_owned()).into());
        }
        if args.secure.options().is_some() {
            let text = "a model in this process has no connections to encrypt";
            return Err(UsageError(text.to_owned()).into());
        }
        let manner = Manner {
            strategy: args.strategy.clone(),
            trust: args.trust.clone(),
            isolate: args.isolate,
            instances: args.instances,
            max_batch: args.max_batch,
            queue_delay: args.queue_delay,
        };
        let alone = alone::open(path, manner, (settings, printer))?;
        let described = Described {
            signature: alone.model.signature().clone(),
            max_batch: Some(alone.model.options().max_batch),
            decoupled: false,
        };
        let name = alone.model.name().to_owned();
        let calls = inputs::calls(args, &name, &described, printer)?;
        Ok(Self {
            name: path.display().to_string(),
            place: "this process".to_owned(),
            protocol: "none",
            described,
            kind: Kind::InProcess(InProcess {
                engine: alone.engine,
                model: name,
            }),
            calls,
        })
    }

    /// Options with what is known of the subject.
    pub(super) fn complete(
        &self,
        options: &Options,
        process: Option<u32>,
        printer: Printer,
    ) -> Options {
        let found = match &self.kind {
            Kind::Server(target) => process.or_else(|| listener_of(target.address)),
            Kind::InProcess(_) => None,
        };
        // A server that does not tell what it does need not be asked each time.
        let asks = match &self.kind {
            Kind::Server(target) => {
                let told = self
                    .calls
                    .first()
                    .map(|call| statistics(target, &call.model, call.version.as_deref()));
                if let Some(Err(error)) = &told {
                    printer.note(&format!("the server's own times are not known: {error}"));
                }
                matches!(told, Some(Ok(_)))
            }
            Kind::InProcess(_) => true,
        };
        Options {
            process: found,
            ask_server: asks,
            decoupled: self.described.decoupled,
            ..options.clone()
        }
    }

    pub(super) fn measure(
        &self,
        load: Load,
        options: &Options,
        interrupted: &AtomicBool,
    ) -> anyhow::Result<Level> {
        let level = match &self.kind {
            Kind::Server(target) => measure(target, &self.calls, load, options, interrupted),
            Kind::InProcess(model) => {
                measure_in_process(model, &self.calls, load, options, interrupted)
            }
        };
        Ok(level?)
    }
}

fn target(args: &PerfArgs) -> anyhow::Result<Target> {
    let tls = args.secure.options();
    let mut target = Target::new(&args.url, args.protocol.into(), tls.as_ref())?;
    for text in &args.header {
        let named = text.split_once('=').or_else(|| text.split_once(':'));
        let (name, value) =
            named.ok_or_else(|| UsageError(format!("`{text}` is not NAME=VALUE")))?;
        let header = (name.trim().to_owned(), value.trim().to_owned());
        target.headers.push(header);
    }
    if let Some(path) = &args.access_token_file {
        let token = secret(path)?;
        if target.protocol.is_grpc() {
            // Servers differ in whether they want the prefix.
            let name = format!("triton-grpc-protocol-{TOKEN_HEADER}");
            target.headers.push((name, token.clone()));
        }
        target.headers.push((TOKEN_HEADER.to_owned(), token));
    }
    Ok(target)
}
