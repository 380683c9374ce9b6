-- Version 7: runs that another tool made and `python -m warehouse import` brought.

alter table raw.runs alter column pretrain_tokens drop not null;
comment on column raw.runs.pretrain_tokens is 'Tokens seen in pre-training; null where an imported file does not say.';
comment on column raw.runs.config is 'Hyper-parameters, as used; of an imported run its file and row under "imported".';
