with fits as (
    select * from {{ ref('stg_fits') }}
),

inputs as (
    select * from {{ ref('fit_inputs') }}
),

latest as (
    select *
    from fits
    where law = 'transfer'
    qualify row_number() over (partition by study, dataset, model, method order by made_at desc, fit_id) = 1
),

final as (
    select
        latest.study,
        latest.dataset,
        latest.model,
        latest.method,
        latest.fit_id,
        latest.n,
        latest.objective,
        latest.mean_absolute_error,
        latest.mean_relative_error,
        latest.status,
        (latest.options ->> '$.delta')::double as delta,
        (latest.options ->> '$.replicates')::bigint as replicates,
        latest.options ->> '$.resample' as resample,
        (latest.credentials ->> '$.starts')::bigint as starts,
        latest.provenance,
        latest.made_at,
        -- Also where no experiment is left to compare with.
        latest.input_fingerprint is distinct from inputs.fingerprint as stale
    from latest
    left join inputs using (study, dataset, model, method)
)

select * from final
