with studies as (
    select * from {{ ref('stg_studies') }}
),

declared as (
    select
        study,
        from_json(declaration -> '$.datasets', '["VARCHAR"]') as datasets,
        from_json(
            declaration -> '$.models',
            '[{"suite": "VARCHAR", "size": "VARCHAR", "path": "VARCHAR", "hub": "VARCHAR"}]'
        ) as models,
        from_json(declaration -> '$.methods', '["VARCHAR"]') as methods,
        json_array_length(declaration -> '$.pretrain_steps')::bigint as n_steps,
        json_array_length(declaration -> '$.data_points')::bigint as n_sizes,
        json_array_length(declaration -> '$.seeds')::bigint as seeds
    from studies
),

final as (
    select
        declared.study,
        places.position,
        declared.datasets[places.position] as dataset,
        -- As Model.name in runner/study.py has it.
        coalesce(
            regexp_replace(regexp_extract(models.model.suite, '([^/]+)$', 1), '\.ya?ml$', '')
            || '-' || models.model.size,
            models.model.hub,
            regexp_extract(models.model.path, '([^/]+)/*$', 1)
        ) as model,
        methods.method,
        declared.n_steps,
        declared.n_sizes,
        declared.seeds
    from declared
    cross join unnest(range(1, len(declared.datasets) + 1)) as places (position)
    cross join unnest(declared.models) as models (model)
    cross join unnest(declared.methods) as methods (method)
)

select * from final
