-- Version 6: how much of a dataset a suite has seen in pre-training.

create table raw.overlaps (
    dataset varchar not null,
    dataset_fingerprint varchar not null,
    text varchar not null,
    text_fingerprint varchar not null,
    run_tokens integer not null,
    train_runs bigint not null,
    train_runs_seen bigint not null,
    heldout_runs bigint not null,
    heldout_runs_seen bigint not null,
    recorded_at timestamptz not null
);
comment on table raw.overlaps is 'One row per dataset and pre-training text, as one tokenizer and context cut them: the runs of tokens that both have.';
comment on column raw.overlaps.dataset is 'Name of the dataset.';
comment on column raw.overlaps.dataset_fingerprint is 'Digest of its split token sequences.';
comment on column raw.overlaps.text is 'Name of the pre-training text.';
comment on column raw.overlaps.text_fingerprint is 'Digest of the pre-training text''s split token sequences.';
comment on column raw.overlaps.run_tokens is 'Successive tokens in a run.';
comment on column raw.overlaps.train_runs is 'Distinct runs in the data points that a run may train on.';
comment on column raw.overlaps.train_runs_seen is 'Of these, those in the sequences that the suite trains on.';
comment on column raw.overlaps.heldout_runs is 'Distinct runs in the data points on which the loss is measured.';
comment on column raw.overlaps.heldout_runs_seen is 'Of these, those in the sequences that the suite trains on.';
comment on column raw.overlaps.recorded_at is 'When a sweep recorded it.';
