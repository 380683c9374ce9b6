{# Values are finite and neither below `least` nor above `most`; `above` excludes its own value. Nulls pass. #}
{% test within(model, column_name, least=none, most=none, above=none) %}
    select {{ column_name }}
    from {{ model }}
    where not isfinite({{ column_name }}::double)
    {%- if least is not none %} or {{ column_name }} < {{ least }} {%- endif %}
    {%- if most is not none %} or {{ column_name }} > {{ most }} {%- endif %}
    {%- if above is not none %} or {{ column_name }} <= {{ above }} {%- endif %}
{% endtest %}
