with profiles as (
    select * from {{ source('analysis', 'profiles') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        profiles.fit_id,
        profiles.parameter,
        profiles.value,
        profiles.deviance,
        profiles.cut
    from profiles
    semi join fits using (fit_id)
)

select * from final
