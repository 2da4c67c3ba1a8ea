import { IsNotEmpty, IsPositive } from 'class-validator';

export class Payment {
  @IsNotEmpty()
  id!: string;

  @IsPositive()
  amount!: number;
}
