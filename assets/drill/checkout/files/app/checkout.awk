# Prices orders and charges them.
#
# in    id  card  coupon  bank  lines      one order a line, a tab between the fields;
#                                          lines is sku:quantity:cents,sku:quantity:cents
# out   id  status  cents  ms  detail      what was charged, and how long that took
#
# A field without a value is a dash. All amounts are in cents.

BEGIN {
    FS = OFS = "\t"

    shipping = 490
    attempts = 3

    off["WELCOME10"] = 10
    off["TEA20"] = 20
}

# Flags are on unless the platform says otherwise: awk -v flags_off="name name".
function is_on(flag) {
    return index(" " flags_off " ", " " flag " ") == 0
}

function subtotal(lines,    count, item, part, i, sum) {
    count = split(lines, item, ",")
    for (i = 1; i <= count; i++) {
        if (split(item[i], part, ":") != 3 || part[2] < 1 || part[3] < 1) return -1
        sum += part[2] * part[3]
        spent += 4
    }
    return count ? sum : -1
}

function with_coupon(cents, coupon) {
    return cents - int(cents * off[coupon] / 100)
}

function with_shipping(cents) {
    return cents + shipping
}

# The payment provider takes one cent and more. What it refuses is tried again, because
# most refusals are over within half a second.
function charge(id, bank, cents,    attempt) {
    for (attempt = 1; attempt <= attempts; attempt++) {
        spent += 38 + id * 7 % 53
        if (bank == "away") { spent += 900; return 504 }
        if (cents >= 1) return 200
        spent += 420
    }
    return 500
}

{
    spent = 6
    cents = subtotal($5)
    if (cents < 0) {
        print $1, 422, 0, spent, "the order's lines cannot be read"
        next
    }
    cents = with_coupon(cents, $3)
    cents = with_shipping(cents)
    status = charge($1, $4, cents)
    if (status == 200) print $1, status, cents, spent, "paid"
    else if (status == 504) print $1, status, 0, spent, "the customer's bank did not answer"
    else print $1, status, 0, spent, "the provider refused to charge " cents " cents, " attempts " times"
}
