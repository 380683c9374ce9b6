-- Version 8: shares against the cost ratio hold the cost of a data point; with that of a step held they cannot move.

-- Can be computed again: `python -m analysis fit` does where nothing else has been asked since.
delete from analysis.allocations;
comment on column analysis.allocations.question is 'budget: the least loss for a budget; loss: the least cost of a loss; gap, cost ratio: the first, were the gap or the cost of a step another.';
