-- The raw and analysis tables, version 1. The single definition of both: nothing else creates a table in them.
-- Losses are nats per token. No PRIMARY KEY, UNIQUE or CHECK: DuckLake has none; uniqueness is a dbt test.

create schema raw;
create schema analysis;

create table raw.schema_versions (
    version integer not null,
    applied_at timestamptz not null
);
comment on table raw.schema_versions is 'One row per migration applied to this database.';
comment on column raw.schema_versions.version is 'Number of the migration, the first digits of its file name.';
comment on column raw.schema_versions.applied_at is 'When it was applied.';

create table raw.studies (
    study varchar not null,
    declaration_digest varchar not null,
    context integer not null,
    fit_min_steps bigint not null,
    simulated boolean not null,
    declaration json not null,
    declared_at timestamptz not null
);
comment on table raw.studies is 'One row per study and declaration, as its YAML file stood when a sweep began.';
comment on column raw.studies.study is 'Name of the study.';
comment on column raw.studies.declaration_digest is 'Digest of the validated declaration.';
comment on column raw.studies.context is 'Tokens in one data point.';
comment on column raw.studies.fit_min_steps is 'Pre-training steps from which the law is fitted (the first plateau of training is no power law).';
comment on column raw.studies.simulated is 'True where the losses were drawn from a law and no model was trained.';
comment on column raw.studies.declaration is 'The validated declaration, defaults filled in.';
comment on column raw.studies.declared_at is 'When a sweep recorded it.';

create table raw.study_runs (
    study varchar not null,
    declaration_digest varchar not null,
    run_key varchar not null
);
comment on table raw.study_runs is 'One row per study, declaration and run that the declaration wants.';
comment on column raw.study_runs.study is 'Name of the study.';
comment on column raw.study_runs.declaration_digest is 'Digest of the validated declaration.';
comment on column raw.study_runs.run_key is 'Hash of all that determines the run''s result.';

create table raw.datasets (
    dataset varchar not null,
    fingerprint varchar not null,
    source varchar not null,
    licence varchar not null,
    documents bigint not null,
    duplicates_dropped bigint not null,
    characters bigint not null,
    tokenizer varchar not null,
    context integer not null,
    tokens bigint not null,
    train_points bigint not null,
    validation_points bigint not null,
    heldout_points bigint not null,
    sample varchar not null,
    recorded_at timestamptz not null
);
comment on table raw.datasets is 'One row per dataset as one tokenizer and context cut it.';
comment on column raw.datasets.dataset is 'Name of the dataset.';
comment on column raw.datasets.fingerprint is 'Digest of the split token sequences: changes when the text, the tokenizer or the split does.';
comment on column raw.datasets.source is 'Where the text comes from.';
comment on column raw.datasets.licence is 'Licence of the text.';
comment on column raw.datasets.documents is 'Documents kept.';
comment on column raw.datasets.duplicates_dropped is 'Documents dropped as duplicates of one that was kept.';
comment on column raw.datasets.characters is 'Unicode characters in the documents kept.';
comment on column raw.datasets.tokenizer is 'Digest of the tokenizer.';
comment on column raw.datasets.context is 'Tokens in one data point.';
comment on column raw.datasets.tokens is 'Tokens in the documents kept.';
comment on column raw.datasets.train_points is 'Data points that a run may train on.';
comment on column raw.datasets.validation_points is 'Data points that decide when a run stops.';
comment on column raw.datasets.heldout_points is 'Data points on which the reported loss is measured.';
comment on column raw.datasets.sample is 'The first characters of one training document.';
comment on column raw.datasets.recorded_at is 'When a sweep recorded it.';

create table raw.checkpoints (
    model varchar not null,
    revision varchar not null,
    pretrain_steps bigint not null,
    digest varchar not null,
    source varchar not null,
    pretrain_tokens bigint not null,
    n_params bigint not null,
    n_params_non_embedding bigint not null,
    heldout_loss double,
    recorded_at timestamptz not null
);
comment on table raw.checkpoints is 'One row per model and revision used by a study.';
comment on column raw.checkpoints.model is 'Name of the model in the study, or its hub id.';
comment on column raw.checkpoints.revision is 'Revision in the hub''s sense, step0 being a random initialisation.';
comment on column raw.checkpoints.pretrain_steps is 'Optimiser steps of pre-training.';
comment on column raw.checkpoints.digest is 'Digest of the weights, configuration and tokenizer.';
comment on column raw.checkpoints.source is 'Suite, local directory or hub repository.';
comment on column raw.checkpoints.pretrain_tokens is 'Tokens seen in pre-training.';
comment on column raw.checkpoints.n_params is 'Parameters.';
comment on column raw.checkpoints.n_params_non_embedding is 'Parameters outside the input and output embeddings.';
comment on column raw.checkpoints.heldout_loss is 'Loss on held-out pre-training text, nats per token; null where that text is not ours.';
comment on column raw.checkpoints.recorded_at is 'When a sweep recorded it.';

create table raw.runs (
    run_id varchar not null,
    run_key varchar not null,
    dataset varchar not null,
    dataset_fingerprint varchar not null,
    model varchar not null,
    revision varchar not null,
    checkpoint_digest varchar not null,
    pretrain_steps bigint not null,
    pretrain_tokens bigint not null,
    n_params bigint,
    n_params_non_embedding bigint,
    data_points bigint not null,
    context integer not null,
    tokens bigint not null,
    seed bigint not null,
    method varchar not null,
    status varchar not null,
    loss double,
    loss_validation double,
    loss_zero_shot double,
    epochs integer,
    best_epoch integer,
    optimizer_steps bigint,
    tokens_seen bigint,
    flops double,
    wall_s double,
    peak_memory_bytes bigint,
    device varchar,
    host varchar,
    error varchar,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    config json not null,
    provenance json not null
);
comment on table raw.runs is 'One row per attempt at a run: one checkpoint fine-tuned on one number of data points, once.';
comment on column raw.runs.run_id is 'Identity of this attempt.';
comment on column raw.runs.run_key is 'Hash of all that determines the result; the same for every attempt at the same run.';
comment on column raw.runs.dataset is 'Name of the dataset.';
comment on column raw.runs.dataset_fingerprint is 'Digest of the split token sequences.';
comment on column raw.runs.model is 'Name of the model in the study, or its hub id.';
comment on column raw.runs.revision is 'Revision in the hub''s sense.';
comment on column raw.runs.checkpoint_digest is 'Digest of the weights, configuration and tokenizer.';
comment on column raw.runs.pretrain_steps is 'Optimiser steps of pre-training (the law''s p); 0 is a random initialisation.';
comment on column raw.runs.pretrain_tokens is 'Tokens seen in pre-training.';
comment on column raw.runs.n_params is 'Parameters; null where a failed run never loaded them.';
comment on column raw.runs.n_params_non_embedding is 'Parameters outside the input and output embeddings.';
comment on column raw.runs.data_points is 'Fine-tuning data points (the law''s f), sequences of context tokens.';
comment on column raw.runs.context is 'Tokens in one data point.';
comment on column raw.runs.tokens is 'Fine-tuning tokens, data_points times context.';
comment on column raw.runs.seed is 'Seed of the subset and of the order of batches.';
comment on column raw.runs.method is 'full (all parameters) or another method of fine-tuning.';
comment on column raw.runs.status is 'ok or failed.';
comment on column raw.runs.loss is 'Held-out loss at the best epoch, nats per token.';
comment on column raw.runs.loss_validation is 'Validation loss at the best epoch, nats per token.';
comment on column raw.runs.loss_zero_shot is 'Held-out loss before fine-tuning, nats per token.';
comment on column raw.runs.epochs is 'Epochs trained, those of the last patience included.';
comment on column raw.runs.best_epoch is 'Epoch with the lowest validation loss; 0 is the checkpoint as it came.';
comment on column raw.runs.optimizer_steps is 'Optimiser steps trained.';
comment on column raw.runs.tokens_seen is 'Tokens trained on, summed over epochs.';
comment on column raw.runs.flops is 'Training compute, 6 x parameters x tokens seen, FLOP.';
comment on column raw.runs.wall_s is 'Wall time, seconds.';
comment on column raw.runs.peak_memory_bytes is 'Peak memory of the device (of the process on a CPU), bytes.';
comment on column raw.runs.device is 'Device it trained on.';
comment on column raw.runs.host is 'Host name.';
comment on column raw.runs.error is 'What failed, one line; null where status is ok.';
comment on column raw.runs.started_at is 'When the attempt began.';
comment on column raw.runs.finished_at is 'When the attempt ended.';
comment on column raw.runs.config is 'Hyper-parameters, as used.';
comment on column raw.runs.provenance is 'Git commit and whether dirty, package versions, hardware.';

create table raw.epochs (
    run_id varchar not null,
    epoch integer not null,
    train_loss double,
    validation_loss double not null,
    elapsed_s double not null
);
comment on table raw.epochs is 'One row per epoch of an attempt; epoch 0 is before training.';
comment on column raw.epochs.run_id is 'Identity of the attempt.';
comment on column raw.epochs.epoch is 'Epochs trained so far.';
comment on column raw.epochs.train_loss is 'Mean training loss over the epoch, nats per token; null before training.';
comment on column raw.epochs.validation_loss is 'Validation loss after the epoch, nats per token.';
comment on column raw.epochs.elapsed_s is 'Seconds since the run began.';

create table raw.spool_records (
    record_id varchar not null,
    drained_at timestamptz not null
);
comment on table raw.spool_records is 'One row per spool record that has been appended, so that none is appended twice.';
comment on column raw.spool_records.record_id is 'Identity of the spool record.';
comment on column raw.spool_records.drained_at is 'When its rows were appended.';

create table analysis.fits (
    fit_id varchar not null,
    study varchar not null,
    dataset varchar not null,
    model varchar not null,
    method varchar not null,
    law varchar not null,
    options json not null,
    n bigint not null,
    objective double not null,
    mean_absolute_error double not null,
    mean_relative_error double not null,
    status varchar not null,
    credentials json not null,
    input_fingerprint varchar not null,
    provenance json not null,
    made_at timestamptz not null
);
comment on table analysis.fits is 'One row per study, dataset, model, method, law and options: the global optimum and its credentials.';
comment on column analysis.fits.fit_id is 'Identity of the fit.';
comment on column analysis.fits.study is 'Name of the study.';
comment on column analysis.fits.dataset is 'Name of the dataset.';
comment on column analysis.fits.model is 'Name of the model.';
comment on column analysis.fits.method is 'Method of fine-tuning.';
comment on column analysis.fits.law is 'Name of the law in analysis/laws.py.';
comment on column analysis.fits.options is 'Options of the fit: delta, replicates, resampled unit, seed, penalties, fixed parameters.';
comment on column analysis.fits.n is 'Experiments fitted.';
comment on column analysis.fits.objective is 'Sum of Huber(delta) of log residuals at the optimum.';
comment on column analysis.fits.mean_absolute_error is 'Mean absolute residual, nats per token.';
comment on column analysis.fits.mean_relative_error is 'Mean absolute residual divided by the loss.';
comment on column analysis.fits.status is 'converged, at a boundary, not identified or failed.';
comment on column analysis.fits.credentials is 'Gradient norm, share of starts that reached the optimum, gap to the next minimum, condition number.';
comment on column analysis.fits.input_fingerprint is 'Fingerprint of the experiments fitted (model fit_inputs); another one there means the fit is stale.';
comment on column analysis.fits.provenance is 'Git commit, package versions, seconds taken.';
comment on column analysis.fits.made_at is 'When it was fitted.';

create table analysis.parameters (
    fit_id varchar not null,
    parameter varchar not null,
    estimate double not null,
    standard_error double,
    lower double,
    upper double,
    interval_method varchar not null,
    status varchar not null,
    bound double
);
comment on table analysis.parameters is 'One row per fit, parameter and interval method, natural units.';
comment on column analysis.parameters.fit_id is 'Identity of the fit.';
comment on column analysis.parameters.parameter is 'Symbol of the parameter.';
comment on column analysis.parameters.estimate is 'Estimate at the optimum.';
comment on column analysis.parameters.standard_error is 'Standard deviation over bootstrap replicates.';
comment on column analysis.parameters.lower is 'Lower end of the 95 % interval.';
comment on column analysis.parameters.upper is 'Upper end of the 95 % interval.';
comment on column analysis.parameters.interval_method is 'How the interval was made: percentile, bca or profile.';
comment on column analysis.parameters.status is 'identified, at a boundary or not identified.';
comment on column analysis.parameters.bound is 'The one-sided bound that the data give where the parameter is not identified.';

create table analysis.bootstrap (
    fit_id varchar not null,
    replicate integer not null,
    parameter varchar not null,
    value double not null
);
comment on table analysis.bootstrap is 'One row per fit, bootstrap replicate and parameter, natural units.';
comment on column analysis.bootstrap.fit_id is 'Identity of the fit.';
comment on column analysis.bootstrap.replicate is 'Number of the replicate, from 0.';
comment on column analysis.bootstrap.parameter is 'Symbol of the parameter.';
comment on column analysis.bootstrap.value is 'Its value in the replicate''s optimum.';

create table analysis.predictions (
    fit_id varchar not null,
    pretrain_steps double not null,
    data_points double not null,
    loss double not null,
    lower double not null,
    upper double not null
);
comment on table analysis.predictions is 'One row per fit and point of a grid over the study''s window: the fitted loss and its pointwise 95 % band.';
comment on column analysis.predictions.fit_id is 'Identity of the fit.';
comment on column analysis.predictions.pretrain_steps is 'Optimiser steps of pre-training.';
comment on column analysis.predictions.data_points is 'Fine-tuning data points.';
comment on column analysis.predictions.loss is 'Fitted loss, nats per token.';
comment on column analysis.predictions.lower is '2.5 % percentile over replicates, nats per token.';
comment on column analysis.predictions.upper is '97.5 % percentile over replicates, nats per token.';
