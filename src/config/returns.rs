//! How goods come back to a Dynamics environment.

use serde::{Deserialize, Serialize};

/// How goods come back, where versions differ or the documentation leaves it open. How updates are handed over, and their
/// states, are those of
/// [`Outbound`](super::Outbound).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Returns {
    /// The member of a return order that holds our key, by which it is found again.
    pub reference_field: String,
    /// The member of a return line with its number.
    pub line_field: String,
    /// The member of a return order that is echoed in what is posted of it.
    pub origin_field: String,
    /// The member of a return order with what it is worth; empty: there is none.
    pub value_field: String,
    /// The member of a return order with the currency of that; empty: there is none.
    pub currency_field: String,
    /// The entity with the lines of credit notes; empty: there is none, and nothing is looked at.
    pub credit_entity: String,
    /// Its member with the return order's number.
    pub credit_order_field: String,
    /// Its member with the note's number.
    pub credit_number_field: String,
    /// Its member with the number of the return line.
    pub credit_line_field: String,
    /// Its member with what was credited of the line.
    pub credit_quantity_field: String,
    /// Disposition codes under which Dynamics credits nothing.
    pub without_credit: Vec<String>,
    /// Disposition codes of lines whose credit, if there is one, asks for no goods: credit only, exchanges.
    pub credited_elsewhere: Vec<String>,
    /// The disposition code of a line that is exchanged, for return orders that we make; empty: Dynamics' own default.
    pub exchange_code: String,
    /// The warehouse in Dynamics where returns are expected of which nobody says where.
    pub warehouse: String,
    /// Who credits what never reached the customer.
    pub undeliverable_credit: UndeliverableCredit,
}

/// Who credits parcels that never reached the customer and came back.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum UndeliverableCredit {
    /// A person decides about each: it is posted without a credit, and asked.
    #[default]
    Person,
    /// Nobody: it is posted without a credit.
    Never,
    /// Dynamics, as the disposition of each piece says.
    Dynamics,
}

impl Default for Returns {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            reference_field: text("CustomersOrderReference"),
            line_field: text("LineNumber"),
            origin_field: text("ReturnOrderNumber"),
            value_field: String::new(),
            currency_field: text("CurrencyCode"),
            credit_entity: text("SalesInvoiceLines"),
            credit_order_field: text("SalesOrderNumber"),
            credit_number_field: text("InvoiceNumber"),
            credit_line_field: text("SalesOrderLineNumber"),
            credit_quantity_field: text("InvoicedQuantity"),
            without_credit: Vec::new(),
            credited_elsewhere: Vec::new(),
            exchange_code: String::new(),
            warehouse: String::new(),
            undeliverable_credit: UndeliverableCredit::default(),
        }
    }
}
