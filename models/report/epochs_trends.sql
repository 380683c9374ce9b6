with experiments as (
    select * from {{ ref('experiments') }}
    where epochs is not null and pretrain_steps > 0 and data_points > 0
),

along as (
    select study, dataset, model, method, 'pretrain_steps' as variable, log10(pretrain_steps) as x, epochs
    from experiments
    union all
    select study, dataset, model, method, 'data_points' as variable, log10(data_points) as x, epochs
    from experiments
),

regressed as (
    select
        study,
        dataset,
        model,
        method,
        variable,
        count(*) as n,
        regr_slope(epochs, x order by x, epochs) as slope,
        regr_sxx(epochs, x order by x, epochs) as sxx,
        regr_syy(epochs, x order by x, epochs) as syy
    from along
    group by study, dataset, model, method, variable
    having max(x) > min(x)
),

final as (
    select
        study,
        dataset,
        model,
        method,
        variable,
        n,
        slope,
        sqrt(greatest(syy / sxx - slope * slope, 0) / nullif(n - 2, 0)) as standard_error
    from regressed
)

select * from final
