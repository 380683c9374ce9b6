with experiments as (
    select * from {{ ref('experiments') }}
    where epochs is not null
),

along as (
    select study, dataset, model, method, 'pretrain_steps' as variable, pretrain_steps as value, epochs
    from experiments
    union all
    select study, dataset, model, method, 'data_points' as variable, data_points as value, epochs
    from experiments
    where pretrain_steps > 0
),

final as (
    select
        study,
        dataset,
        model,
        method,
        variable,
        value,
        count(*) as experiments,
        quantile_cont(epochs, 0.5) as epochs,
        quantile_cont(epochs, 0.25) as lower,
        quantile_cont(epochs, 0.75) as upper
    from along
    group by study, dataset, model, method, variable, value
)

select * from final
