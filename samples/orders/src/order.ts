import { IsNumber, IsPositive, IsString, Length } from 'class-validator';

/** Body of `POST /orders`. */
export class PlaceOrder {
  @IsString()
  @Length(1, 64)
  customerId!: string;

  @IsNumber({ maxDecimalPlaces: 2 })
  @IsPositive()
  amount!: number;
}

/** What is published to `orders`, and what the listeners receive, validated. */
export class Order extends PlaceOrder {
  @IsString()
  @Length(1, 64)
  id!: string;
}

/** What is published to `orders-paid` when a payment went through. */
export class OrderPaid {
  @IsString()
  orderId!: string;

  @IsString()
  customerId!: string;

  @IsNumber()
  amount!: number;
}
