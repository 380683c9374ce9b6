-- Version 4: how a run trained: how many of the parameters, and how fast.

alter table raw.runs add column trainable_params bigint;
alter table raw.runs add column tokens_per_s double;
alter table raw.runs add column flops_utilisation double;
comment on column raw.runs.method is 'full (all parameters) or lora (low-rank adapters; config has their rank, alpha and layers).';
comment on column raw.runs.trainable_params is 'Parameters that learn: of full all, of lora those of the adapters.';
comment on column raw.runs.flops is 'Training compute, FLOP: of full 6 x parameters x tokens seen; of lora 4 x parameters and 6 x those of the adapters, x tokens seen.';
comment on column raw.runs.tokens_per_s is 'Tokens trained on per second of training, evaluation left out.';
comment on column raw.runs.flops_utilisation is 'Training compute per second of training, relative to the devices'' dense bf16 peak; null where that is not known.';
comment on column raw.runs.peak_memory_bytes is 'Peak memory of the device (of the process so far on a CPU), bytes; of several processes the first one''s.';
