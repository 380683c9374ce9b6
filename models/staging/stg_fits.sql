with fits as (
    select * from {{ source('analysis', 'fits') }}
),

latest as (
    select *
    from fits
    qualify row_number() over (
        partition by study, dataset, model, method, law, options::varchar
        order by made_at desc, fit_id
    ) = 1
),

final as (
    select
        fit_id,
        study,
        dataset,
        model,
        method,
        law,
        options,
        n,
        objective,
        mean_absolute_error,
        mean_relative_error,
        status,
        credentials,
        input_fingerprint,
        provenance,
        made_at
    from latest
)

select * from final
